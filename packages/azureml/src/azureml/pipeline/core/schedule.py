"""Schedules of pipelines."""

from azureml._outside import PIPELINES, outside

__all__ = ["Schedule", "ScheduleRecurrence"]

Schedule = outside("Schedule", PIPELINES)
ScheduleRecurrence = outside("ScheduleRecurrence", PIPELINES)
