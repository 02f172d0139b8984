"""Requests and responses for environments without Werkzeug, with the same surface."""
