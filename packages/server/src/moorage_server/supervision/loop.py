"""The supervisor itself: one thread, one loop, around the pure :func:`.steps.next_actions`."""

import contextlib
import os
import selectors
import socket
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from . import confinement, files, orphans, recovery
from .candidate import Rollout
from .front_process import FrontProcess, read_available
from .generation import Generation
from .keeping import IS_SUPPORTED, Inheritance, Keeping, KeptFront
from .listeners import CannotListen, Listeners
from .logfile import RotatingLog
from .records import TRIAL_STAGE, Desired, Failure, InvalidDesired, Status
from .reporting import StatusFile, describe
from .steps import Drain, Kill, Restart, Start, is_lost, next_actions

FRONT_COMMAND = (sys.executable, "-m", "moorage_server.front")
# Besides SIGHUP the file is looked at now and then, so that a control plane which was killed
# between writing it and sending the signal has still said what it wanted.
LOOK_EVERY_S = 1.0
REMEMBERED_GENERATIONS = 5
# Nobody notices an old generation that takes an hour to finish; whoever stops a service is waiting.
LONGEST_STOP_S = 60.0


@dataclass(slots=True)
class Supervisor:
    """Runs what ``desired.json`` of ``service_dir`` says until it is told to stop.

    The caller holds the lock of the folder and delivers signals through :meth:`reload` and :meth:`stop`.
    """

    service_dir: Path
    log: RotatingLog
    keeping: Keeping
    front_command: Sequence[str] = FRONT_COMMAND
    clock: Callable[[], float] = time.monotonic
    wanted: Desired | None = None
    generations: dict[int, Generation] = field(default_factory=dict)
    _listeners: Listeners = field(init=False)
    _status: StatusFile = field(init=False)
    _selector: selectors.BaseSelector = field(default_factory=selectors.DefaultSelector)
    _stops_requested: int = 0
    _is_stopping: bool = False
    _look_at: float = 0.0
    _seen: tuple[int, int, int] | None = None
    rollout: Rollout = field(init=False)

    def __post_init__(self) -> None:
        self._listeners = Listeners(self.keeping, self.log)
        self._status = StatusFile(self.service_dir, self.log)
        self.rollout = Rollout(self.service_dir, self.log.say, self.clock)

    def run(self, wakeup: socket.socket, inheritance: Inheritance | None = None) -> None:
        """Work until stopped; ``wakeup`` becomes readable when a signal arrived."""
        self._selector.register(wakeup, selectors.EVENT_READ, None)
        self._watch_keeper(self.keeping.link)
        self._recover(inheritance or Inheritance())
        while True:
            self._look()
            self._follow_rollout()
            self._stop()
            self._act()
            self._write_status()
            if not self._is_stopping:
                self._watch_keeper(self.keeping.ensure(self.clock()))
            if self._is_stopping and not any(g.front for g in self.generations.values()):
                break
            for key, _ in self._selector.select(self._timeout_s()):
                if key.data is not None:
                    key.data()
                else:
                    with contextlib.suppress(BlockingIOError):
                        wakeup.recv(4096)
            self._reap()
        self._write_status(is_over=True)
        self.keeping.say_bye()
        self.log.say("stopped")
        self._selector.close()

    def reload(self) -> None:
        """Look at ``desired.json`` now. Safe in a signal handler."""
        self._look_at = 0.0

    def stop(self) -> None:
        """Drain everything and end; a second call does not wait for anybody. Safe in a signal handler."""
        self._stops_requested += 1

    # --- what should run ---

    def _stop(self) -> None:
        if self._stops_requested and not self._is_stopping:
            self.log.say("told to stop")
            self._is_stopping = True
            # The fronts close their copies; with ours open, new clients would queue for nobody.
            self._listeners.close_all()
            for generation in self.generations.values():
                generation.drain(self.clock(), LONGEST_STOP_S)
        if self._stops_requested > 1:
            self._stops_requested = 1
            self.log.say("told to stop at once")
            for generation in self.generations.values():
                generation.drain(self.clock(), 0.0)

    def _recover(self, inheritance: Inheritance) -> None:
        """Carry on where an earlier supervisor of this folder was killed, without touching what it left.

        What cannot be taken over is ended, and the generation that served is started again.
        """
        content = files.read_json(self.service_dir / files.STATUS)
        earlier = Status.from_json(content) if content else None
        self.rollout.recall(earlier.candidate if earlier else None)
        self._look()
        lost = recovery.lost_trial(self.wanted, earlier)
        if lost is not None:
            self.generations[lost.number] = lost
            self.wanted = lost.desired.fallback()
        for address, listener in inheritance.listeners.items():
            self._listeners.take(address, listener)
        adopted = [kept for kept in inheritance.fronts if self._adopt(kept, earlier)]
        spare = [orphans.mark(self.service_dir, kept.generation, kept.run) for kept in adopted]
        ended = orphans.kill_marked(orphans.mark(self.service_dir), spare=spare)
        if adopted:
            self.log.say("took over from a supervisor that was killed")
        if ended:
            self.log.say(f"ended {len(ended)} processes that an earlier supervisor left behind")
        if earlier is None:
            return
        self._listeners.preferred_port = earlier.port
        served = recovery.served_before(self.service_dir, earlier, self.wanted, self.clock())
        if served is not None and served.number not in self.generations:
            self.generations[served.number] = served

    def _adopt(self, kept: KeptFront, earlier: Status | None) -> bool:
        """Take over a front that was ready; False if it cannot be used, and is to be ended."""
        generation = recovery.adopt(self.service_dir, kept, earlier, self.wanted, self.clock())
        if generation is None or generation.front is None:
            return False
        self.generations[kept.generation] = generation
        self._hear(generation, generation.front)
        self.keeping.keep_front(kept)
        return True

    def _watch_keeper(self, link: socket.socket | None) -> None:
        """Hear when the keeper at the other end of a new link dies."""
        if link is None:
            return

        def lost() -> None:
            self._selector.unregister(link)
            self.log.say("the keeper is gone; another one is started")
            self.keeping.lost(self.clock())

        self._selector.register(link, selectors.EVENT_READ, lost)

    def _look(self) -> None:
        now = self.clock()
        if now < self._look_at:
            return
        self._look_at = now + LOOK_EVERY_S
        path = self.service_dir / files.DESIRED
        try:
            facts = path.stat()
        except OSError:
            if not self.service_dir.exists():
                # Somebody removed the whole folder, and with it every way to stop this service.
                self._stops_requested = max(self._stops_requested, 1)
            return
        seen = (facts.st_ino, facts.st_mtime_ns, facts.st_size)
        if seen == self._seen:
            return
        self._seen = seen
        try:
            self.wanted = Desired.from_json(files.read_json(path) or {})
        except InvalidDesired as error:
            self.log.say(f"{files.DESIRED} is not used: {error}")
            return
        if not self.wanted.running:
            self._stops_requested = max(self._stops_requested, 1)
            return
        self.wanted = self.rollout.follow(self.wanted)
        self.log.say(f"generation {self.wanted.generation} is wanted")

    def _follow_rollout(self) -> None:
        states = {number: (g.state, g.error) for number, g in self.generations.items()}
        self.wanted = self.rollout.tick(states) or self.wanted

    # --- doing ---

    def _act(self) -> None:
        if self.wanted is None and not self._is_stopping:
            return
        wanted = None if self._is_stopping or self.wanted is None else self.wanted.generation
        # An action changes what is to be done next: a failed start, for example, is final.
        for _ in range(len(self.generations) + 2):
            actions = next_actions(wanted, [g.view() for g in self.generations.values()], self.clock())
            for action in actions:
                match action:
                    case Start():
                        self._start_wanted()
                    case Restart(number):
                        self._start(self.generations[number])
                    case Drain(number):
                        self.log.say(f"generation {number} drains")
                        self.generations[number].drain(self.clock())
                    case Kill(number):
                        self._kill(self.generations[number])
            if not actions:
                break
        self._forget()

    def _start_wanted(self) -> None:
        if self.wanted is not None:
            generation = Generation(self.wanted)
            self.generations[generation.number] = generation
            self._start(generation)

    def _start(self, generation: Generation) -> None:
        generation.restart_at = generation.reported = None
        generation.run += 1
        confinement.renounce(generation.desired.settings)
        try:
            front = FrontProcess(
                self.front_command,
                settings=self.service_dir / generation.desired.settings,
                listener=self._listener(generation),
                service_dir=self.service_dir,
                mark=orphans.mark(self.service_dir, generation.number, generation.run),
                leash=self.keeping.leash,
                trial_requests=generation.desired.trial.requests if generation.desired.trial else 0,
            )
        except CannotListen as error:
            self._tell(generation, generation.failed(Failure("listen", str(error)), self.clock()))
            return
        except OSError as error:
            failure = Failure("start", f"the front cannot be started: {error}")
            self._tell(generation, generation.failed(failure, self.clock()))
            return
        generation.state, generation.front = "starting", front
        self._tell(generation, f"starts, process {front.pid}")
        host, port = generation.address
        kept = KeptFront(
            generation.number, generation.run, front.pid, (host, port or 0), front.log_fd, front.ready_fd
        )
        self.keeping.keep_front(kept)
        self._hear(generation, front)

    def _hear(self, generation: Generation, front: FrontProcess) -> None:
        read = selectors.EVENT_READ
        self._selector.register(front.log_fd, read, lambda: self._read_log(front))
        self._selector.register(front.ready_fd, read, lambda: self._read_events(generation, front))

    def _listener(self, generation: Generation) -> socket.socket:
        desired = generation.desired
        generation.address, listener = self._listeners.find(desired.host, desired.port)
        return listener

    def _kill(self, generation: Generation) -> None:
        if generation.front is not None:
            self._tell(generation, "did not end in time and is killed")
            generation.kill_at = None
            generation.front.kill()

    def _forget(self) -> None:
        """Close the sockets that no generation uses, and drop records of long ago."""
        used = {g.address for g in self.generations.values() if g.is_in_use}
        self._listeners.close_all_but(used)
        done = sorted(number for number, g in self.generations.items() if not g.is_in_use)
        for number in done[:-REMEMBERED_GENERATIONS]:
            if self.wanted is None or number != self.wanted.generation:
                del self.generations[number]

    # --- hearing ---

    def _read_log(self, front: FrontProcess) -> bool:
        """Move output to the log; False if there was none."""
        data, is_open = read_available(front.log_fd)
        if not is_open:
            self._selector.unregister(front.log_fd)
        lines = front.lines.feed(data)
        if lines:
            self.log.write(lines)
        return bool(data)

    def _read_events(self, generation: Generation, front: FrontProcess) -> None:
        events, is_open = front.events()
        if not is_open and front.ready_fd in self._selector.get_map():
            self._selector.unregister(front.ready_fd)
        for event in events:
            match event.get("event"):
                case "scorers":
                    generation.scorer_pids = tuple(p for p in event.get("pids") or () if isinstance(p, int))
                case "ready" if generation.state == "starting":
                    generation.became_ready(self.clock())
                    self._tell(generation, "is ready")
                case "closed":
                    generation.accepts = False
                case "candidate":
                    self.rollout.hear(generation.number, event)
                case "requests":
                    self._judge(generation, event.get("count"), event.get("failed"))
                case "failed":
                    generation.reported = Failure.from_json(event.get("error"))

    def _judge(self, generation: Generation, count: object, failed: object) -> None:
        """Go back to the generation before if too many of the first requests of this one failed."""
        trial = generation.desired.trial
        if trial is None or generation.is_rejected or self.wanted != generation.desired:
            return
        if not (isinstance(count, int) and isinstance(failed, int)):
            return
        fallback = generation.desired.fallback()
        has_files = (self.service_dir / trial.settings).is_file()
        if (
            fallback is None
            or not has_files
            or not is_lost(trial.requests, trial.max_error_share, count, failed)
        ):
            return
        generation.is_rejected = True
        generation.error = Failure(TRIAL_STAGE, f"{failed} of its first {count} requests failed")
        self._tell(generation, f"is taken back: {generation.error.message}")
        self._want_fallback(fallback)

    def _want_fallback(self, fallback: Desired) -> None:
        self.wanted = fallback
        # If it is still remembered as failed or drained, this is a fresh beginning.
        earlier = self.generations.get(fallback.generation)
        if earlier is not None and earlier.front is None and not earlier.is_in_use:
            del self.generations[fallback.generation]

    def _reap(self) -> None:
        for generation in list(self.generations.values()):
            front = generation.front
            code = front.reap() if front is not None else None
            if front is None or code is None:
                continue
            orphans.kill_marked(orphans.mark(self.service_dir, generation.number, generation.run))
            self._read_events(generation, front)
            self._close(front)
            generation.front = None
            self._tell(generation, generation.ended(code, front.lines.tail(), self.clock()))
        self._reap_orphans()

    def _close(self, front: FrontProcess) -> None:
        """Take the last words of a front that has ended, and close its pipes."""
        while front.log_fd in self._selector.get_map() and self._read_log(front):
            pass
        for descriptor in (front.log_fd, front.ready_fd):
            if descriptor in self._selector.get_map():
                self._selector.unregister(descriptor)
        rest = front.lines.finish()
        if rest:
            self.log.write(rest)
        self.keeping.drop_front(front.pid)
        front.close()

    def _reap_orphans(self) -> None:
        """Collect adopted processes that ended; fronts are left to their own :meth:`FrontProcess.reap`."""
        fronts = {g.front.pid for g in self.generations.values() if g.front}
        while True:
            try:
                ended = os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)
            except ChildProcessError:
                return
            if ended is None or ended.si_pid in fronts:
                return
            with contextlib.suppress(ChildProcessError):
                os.waitid(os.P_PID, ended.si_pid, os.WEXITED | os.WNOHANG)

    # --- telling ---

    def _tell(self, generation: Generation, text: str) -> None:
        self.log.say(f"generation {generation.number} {text}")

    def _timeout_s(self) -> float:
        deadlines = [self._look_at, *self.rollout.deadlines]
        if self.keeping.link is None and IS_SUPPORTED:
            deadlines.append(self.keeping.start_at)
        for generation in self.generations.values():
            deadlines += [d for d in (generation.restart_at, generation.kill_at) if d is not None]
        return max(0.0, min(deadlines) - self.clock())

    def _write_status(self, *, is_over: bool = False) -> None:
        wanted = self.wanted.generation if self.wanted else None
        stopping = self._is_stopping
        self._status.write(
            describe(self.generations, wanted, self.rollout.status, is_stopping=stopping, is_over=is_over)
        )
