"""The local target: what it does is in the supervisor's hands, what it sees is in the service folder."""

from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from moorage.deployments.plans import Plan
from moorage.errors import StorageFull
from moorage.folders import make_private_folder
from moorage.targets.contract import (
    Beside,
    CandidateSeen,
    Contents,
    Fault,
    LogKind,
    Observed,
    Order,
    Place,
    TargetFault,
)
from moorage.targets.local import daemon, folders
from moorage.targets.local.disk import clear_errors
from moorage.targets.local.revision import check_models, write_revision
from moorage.targets.local.settings import service_settings
from moorage.targets.local.way import open_way
from moorage_server.auth import Admission, replace_guard_file
from moorage_server.candidate.instruction import MIRROR_FILE
from moorage_server.supervision import files, records
from moorage_server.supervision.files import write_json
from moorage_server.supervision.lock import supervisor_pid
from moorage_server.supervision.logfile import last_lines
from moorage_server.supervision.records import Candidate, Desired, Failure, InvalidDesired, Status


class LocalTarget:
    """See `moorage.targets.contract.Target`."""

    name = "local"

    def __init__(self) -> None:
        # What was checked while it was written need not be read again to be started.
        self._fresh: set[Path] = set()

    def build(self, plan: Plan, on_line: Callable[[str], None]) -> None:
        """Environments of this machine are built while planning."""

    def prepare(self, place: Place, revision: int, plan: Plan, contents: Contents) -> None:
        with clear_errors(f"revision {revision} of {place.service}", "made"):
            if self._write(place, revision, plan, contents):
                self._fresh.add(folders.revision_folder(place, revision))

    def _write(self, place: Place, revision: int, plan: Plan, contents: Contents) -> bool:
        """Write the files of a revision; False if they are there."""

        def settings(aside: Path, final: Path) -> None:
            write_json(aside / folders.SETTINGS_FILE, service_settings(place, plan, final), is_durable=True)

        return write_revision(place, revision, plan, contents, settings)

    def start(self, place: Place, order: Order) -> None:
        folder = folders.service_folder(place)
        settings = folders.settings_path(place, order.revision)
        if not (folder / settings).is_file():
            raise TargetFault(f"revision {order.revision} of {place.service} is not prepared")
        revision = folders.revision_folder(place, order.revision)
        if revision not in self._fresh and order.revision not in self.observe(place).ready:
            check_models(revision)
        content = files.read_json(folder / settings) or {}
        open_way(place, order.revision, content.get("user"), Path(content.get("python") or "python"))
        trial = None
        if order.trial is not None:
            fallback = order.trial.fallback
            trial = records.Trial(
                order.trial.requests,
                order.trial.max_error_share,
                fallback,
                folders.settings_path(place, fallback),
            )
        candidate = None if order.beside is None else self._candidate(place, order.beside)
        desired = Desired(
            order.revision,
            settings,
            order.host,
            order.port,
            order.drain_timeout_s,
            trial=trial,
            candidate=candidate,
        )
        with clear_errors(f"the order to start {place.service}", "written"):
            files.write_json(folder / files.DESIRED, desired.to_json(), is_durable=True)
        daemon.wake(folder)

    def _candidate(self, place: Place, beside: Beside) -> Candidate:
        revision = folders.revision_folder(place, beside.revision)
        if not (revision / folders.SETTINGS_FILE).is_file():
            raise TargetFault(f"revision {beside.revision} of {place.service} is not prepared")
        if revision not in self._fresh:
            check_models(revision)
        part = asdict(beside)
        number = part.pop("revision")
        return Candidate(number, f"revisions/{number}/{folders.SETTINGS_FILE}", **part)

    def stop(self, place: Place) -> None:
        folder = folders.service_folder(place)
        with clear_errors(f"the order to stop {place.service}", "written"):
            _order_to_stop(folder)
        daemon.end(folder)

    def rest(self, place: Place) -> None:
        daemon.end(folders.service_folder(place))

    def wake(self, place: Place) -> None:
        """Let a supervisor do what was last ordered."""
        daemon.wake(folders.service_folder(place))

    def observe(self, place: Place) -> Observed:
        folder = folders.service_folder(place)
        if not folder.is_dir():
            return Observed()
        prepared = folders.prepared_revisions(place)
        desired = _desired(folder)
        ordered = desired.generation if desired else None
        is_ordered_to_run = desired is not None and desired.running
        status = _status(folder)
        if status is None:
            return Observed(True, daemon.is_kept(folder), prepared, ordered, is_ordered_to_run)
        by_state: dict[str, set[int]] = {}
        for generation in status.generations:
            by_state.setdefault(generation.state, set()).add(generation.number)
        live = status.of(status.generation) if status.generation is not None else None
        candidate = _candidate_seen(desired, status)
        if candidate is not None and candidate.state == "promoted":
            ordered = candidate.revision  # the supervisor did that by itself
        return Observed(
            exists=True,
            is_supervised=True,
            prepared=prepared,
            ordered=ordered,
            is_ordered_to_run=is_ordered_to_run,
            live=status.generation,
            ready=frozenset(by_state.get("ready", ())),
            starting=frozenset(by_state.get("starting", ())),
            accepting=frozenset(g.number for g in status.generations if g.accepts),
            failed={g.number: _fault(g.error) for g in status.generations if _has_failed(g)},
            restarts=live.restarts if live else 0,
            host=status.host or None,
            port=status.port,
            error=_fault(live.error) if live and live.error else None,
            candidate=candidate,
        )

    def admit(self, place: Place, admission: Admission) -> None:
        path = folders.guard_path(place)
        with clear_errors(f"the keys of {place.service}", "written"):
            make_private_folder(path.parent)
            replace_guard_file(path, admission)

    def retire(self, place: Place, revision: int) -> None:
        observed = self.observe(place)
        running = observed.ready | observed.starting | {observed.live, observed.ordered}
        if revision in running:
            raise TargetFault(f"revision {revision} of {place.service} is running and cannot be removed")
        if revision in observed.prepared:
            folders.remove(folders.revision_folder(place, revision))

    def destroy(self, place: Place) -> None:
        folder = folders.service_folder(place)
        if folder.is_dir():
            try:
                with clear_errors(f"the order to stop {place.service}", "written"):
                    _order_to_stop(folder)
            except StorageFull:
                # Deleting makes space. Without a wish nothing is started either.
                (folder / files.DESIRED).unlink(missing_ok=True)
            daemon.end(folder)
        if folder.parent.is_dir():
            folders.remove(folder)

    def findings(self, place: Place, revision: int) -> dict[str, Any] | None:
        return files.read_json(folders.revision_folder(place, revision) / MIRROR_FILE)

    def snapshot(self, place: Place, revision: int) -> Path | None:
        folder = folders.revision_folder(place, revision) / folders.APP_FOLDER
        return folder if folder.is_dir() else None

    def logs(self, place: Place, num_lines: int, kind: LogKind = "service") -> str:
        if kind == "init":  # the models are put in place before anything runs
            return ""
        path = folders.service_folder(place) / files.LOG_FOLDER / files.LOG_FILE
        return last_lines(path, num_lines)

    def scoring_uri(self, place: Place, observed: Observed) -> str | None:
        if observed.port is None:
            return None
        return f"http://{_host_for_clients(observed.host)}:{observed.port}/score"


def _host_for_clients(host: str | None) -> str:
    """Return what a client on this machine writes: an address that means "all" is no place to go to."""
    if host in (None, "127.0.0.1", "0.0.0.0"):  # noqa: S104 - nothing is bound here
        return "localhost"
    import ipaddress

    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return host
    if address.is_unspecified:
        return "localhost"
    return f"[{address}]" if address.version == 6 else str(address)


def _desired(folder: Path) -> Desired | None:
    try:
        return Desired.from_json(files.read_json(folder / files.DESIRED) or {})
    except InvalidDesired:
        return None


def _order_to_stop(folder: Path) -> None:
    """Write down that nothing shall run, so that no keeper and no start of the machine changes that."""
    desired = _desired(folder)
    if desired is not None and desired.running:
        files.write_json(folder / files.DESIRED, replace(desired, running=False).to_json(), is_durable=True)


def _status(folder: Path) -> Status | None:
    """Return what the living supervisor says; None if there is none, or it has not spoken yet."""
    pid = supervisor_pid(folder)
    content = files.read_json(folder / files.STATUS)
    status = Status.from_json(content) if content and pid else None
    return status if status is not None and status.pid == pid else None


def _candidate_seen(desired: Desired | None, status: Status) -> CandidateSeen | None:
    """Return the candidate that was ordered, as it is; None if none was, or its supervisor has not begun."""
    wanted = None if desired is None else desired.candidate
    if wanted is None:
        return None
    one = status.candidate
    if one is None or one.generation != wanted.generation:
        return CandidateSeen(wanted.generation, wanted.kind, "starting", wanted.share_percent)
    counts = one.counts
    return CandidateSeen(
        revision=one.generation,
        kind=one.kind,
        state=one.state,
        share_percent=one.share_percent,
        ends_at=one.ends_at,
        answered=counts.count,
        failed=counts.failed,
        live_answered=counts.live_count,
        live_failed=counts.live_failed,
        slow=counts.slow + counts.hanging,
        compared=one.findings or {},
        fault=None if one.error is None else _fault(one.error),
    )


def _has_failed(generation: records.GenerationStatus) -> bool:
    is_taken_back = generation.error is not None and generation.error.stage == records.TRIAL_STAGE
    return generation.state == "failed" or is_taken_back


def _fault(failure: Failure | None) -> Fault:
    if failure is None:
        return Fault("start", "it gave no reason")
    return Fault(failure.stage, failure.message, failure.traceback)
