"""The loop of a scorer process: a message in, ``run()``, a message out."""

import inspect
from json import dumps
from typing import Any, Callable, Dict, List, Optional, Tuple

from . import frames, logs, model_service, response_results, results, streaming
from .arguments import Arguments, ClientError
from .batches import Batcher, join_arrays
from .calls import INTERNAL_ERROR, SCORING_FAILED, Caller, CallFailed, log_failure
from .connection import Connection
from .coroutines import EventLoop, plain
from .entry_script import MODEL, RAW, EntryScript
from .flask_requests import FlaskRequests
from .settings import Settings
from .tables import TableInput
from .tracebacks import user_traceback

_MAX_KNOWN_TYPES = 256

Writer = Callable[[Any, float, int], Optional[bytes]]


class Scorer:
    """Serves the requests of one connection with one loaded script."""

    def __init__(
        self, connection: Connection, script: EntryScript, settings: Settings, event_loop: EventLoop
    ) -> None:
        self._connection = connection
        self._development = settings.development
        self._tables = TableInput.of(script)
        self._arguments = Arguments(script, self._tables)
        self._event_loop = event_loop
        self._batcher = Batcher(
            connection, settings.max_batch_size, settings.max_batch_delay_ms, self._tables is not None
        )
        self._batches = settings.max_batch_size > 1 and script.mode != RAW and not script.wants_request
        self._flask = FlaskRequests() if script.wants_request else None
        self._service = script.service
        if script.mode == MODEL:
            self._batches = self._batches and bool(script.service.is_rowwise)
        self._writers: Dict[type, Writer] = {}
        self._output_types = script.output_types
        self._environ: Optional[Dict[str, Any]] = None  # of the raw request at work
        self._requests: Any = None
        if script.mode == RAW:
            from .raw_requests import RequestFactory  # noqa: PLC0415 - loads a web library

            self._requests = RequestFactory()
        run = self._callable(script.run)
        self._caller = Caller(run, settings.scoring_timeout_ms, settings.legacy_status)

    def _callable(self, run: Callable[..., Any]) -> Callable[..., Any]:
        """Return ``run`` as a plain function, whatever kind of function it is."""
        inner = plain(run)
        if inspect.iscoroutinefunction(inner):
            wait = self._event_loop.run
            return lambda **arguments: wait(run(**arguments))
        if inspect.isasyncgenfunction(inner):
            iterate = self._event_loop.iterate
            return lambda **arguments: _Stream(iterate(run(**arguments)))
        if inspect.isgeneratorfunction(inner):
            return lambda **arguments: _Stream(run(**arguments))
        return run

    def serve(self) -> None:
        """Answer requests in the order of their arrival, until ``STOP`` or the end of the connection.

        Raises:
            ProtocolError: a message cannot come here.
        """
        connection = self._connection
        pending, receive = connection.pending, connection.receive
        score = self._score_batch if self._batches else self._score
        if self._flask is not None:
            score = self._score_with_flask
        while True:
            if not pending and not receive():
                return
            frame = pending.popleft()
            if frame.type == frames.SCORE:
                connection.polls = bool(frame.flags & frames.POLL)
                score(frame)
            elif frame.type == frames.STOP:
                return
            # BODY of a request that is answered already, or whose client went away: nothing to do.
            elif frame.type != frames.BODY:
                raise frames.ProtocolError("a message of type %d cannot come here" % frame.type)

    def _score(self, frame: frames.Frame) -> None:
        if self._service is not None and frame.kind != frames.ARRAY:
            self._answer(
                frame.request_id, {"request": model_service.read_request(frame)}, self._service.answer
            )
            return
        if frame.kind == frames.RAW:
            self._score_raw(frame)
            return
        try:
            arguments = self._arguments.of(frame)
        except ClientError as error:
            self._send_error(frame.request_id, frames.CLIENT_ERROR, error.message, error.status)
            return
        except (MemoryError, ArithmeticError, LookupError, ValueError, TypeError) as error:
            self._send_internal_error(frame.request_id, error)
            return
        self._answer(frame.request_id, arguments)

    def _score_with_flask(self, frame: frames.Frame) -> None:
        """Score while ``flask.request`` is the request."""
        assert self._flask is not None
        try:
            leave = self._flask.enter(frame)
        except Exception as error:
            self._send_internal_error(frame.request_id, error)
            return
        try:
            self._score(frame)
        finally:
            leave()

    def _answer(
        self, request_id: int, arguments: Dict[str, Any], function: Optional[Callable[..., Any]] = None
    ) -> None:
        """Call ``run``, or ``function`` in its place, and send what came of it."""
        caller = self._caller
        try:
            value = caller.call(arguments, function)
            message = self._message(value, caller.elapsed_ms, request_id)
        except CallFailed as failure:
            log_failure(failure)
            # What the schema refuses is said by the message; where in pandas it showed helps nobody.
            trace = "" if failure.kind == frames.CLIENT_ERROR else failure.traceback
            self._send_error(request_id, failure.kind, failure.message, failure.status, trace)
        except results.NotSerialisable as error:
            logs.logger.error("%s", error)
            trace = user_traceback(error)
            self._send_error(request_id, frames.NOT_SERIALISABLE, INTERNAL_ERROR, None, trace)
        else:
            if message is not None:
                self._connection.send(message)

    def _message(self, value: Any, elapsed_ms: float, request_id: int) -> Optional[bytes]:
        """Return the message for a result; None if it was sent already.

        Raises:
            NotSerialisable, CallFailed: there is none.
        """
        kind = type(value)
        write = self._writers.get(kind) or self._find_writer(kind)
        return write(value, elapsed_ms, request_id)

    def _find_writer(self, kind: type) -> Writer:
        """Choose, once per type of result, how it is sent."""
        from .web_responses import is_response_class  # noqa: PLC0415

        writer: Writer = results.plain_message
        if self._service is not None:
            writer = model_service.answer_message if kind is model_service.Answer else self._write_value
        elif kind is _Stream or is_response_class(kind):
            writer = self._send_response
        elif results.is_replaced():
            writer = results.replaced_message
        elif kind is list:
            writer = results.list_message
        else:
            writer = results.declared_writer(kind, self._output_types) or writer
        if len(self._writers) >= _MAX_KNOWN_TYPES:
            self._writers.clear()  # a script that makes classes for its requests
        self._writers[kind] = writer
        return writer

    def _write_value(self, value: Any, elapsed_ms: float, request_id: int) -> bytes:
        """Return the message for what ``run`` of a script of mode MODEL returned."""
        return results.json_message(self._service.write(value), elapsed_ms, request_id)

    def _send_response(self, response: Any, elapsed_ms: float, request_id: int) -> Optional[bytes]:
        """Send a response object, or a stream; returns the message where it is one piece."""
        try:
            if type(response) is _Stream:
                parts = response_results.streamed_parts(response.items, response.close)
            else:
                parts = response_results.take_apart(response, self._environ)
            if parts.body is not None:
                flags = frames.RUN_FAILED if parts.has_failed else 0
                return results.response_message(parts.head, parts.body, elapsed_ms, request_id, flags)
            streaming.send_stream(
                self._connection, request_id, parts.head, parts.stream, elapsed_ms, parts.close
            )
        except results.NotSerialisable:
            raise
        except Exception as error:
            cause = error.__cause__ if isinstance(error, streaming.StreamFailed) else None
            raise CallFailed(frames.SCRIPT_ERROR, SCORING_FAILED, cause or error) from error
        return None

    def _score_raw(self, frame: frames.Frame) -> None:
        """Score with the request object as the first argument."""
        if self._requests is None:
            raise frames.ProtocolError("a raw request for a script without @rawhttp")
        from .raw_requests import RawRequest  # noqa: PLC0415

        raw = RawRequest(frame, self._connection)
        try:
            request, leave = self._requests.open(raw)
        except Exception as error:
            self._send_internal_error(frame.request_id, error)
            return
        self._environ = raw.environ
        try:
            self._answer(frame.request_id, self._arguments.of_value(request, raw.headers))
        finally:
            self._environ = None
            leave()
            raw.close()

    def _score_batch(self, frame: frames.Frame) -> None:
        """Score a request together with those that queued behind it; one by one where that fails."""
        batch = self._batcher.collect(frame)
        if len(batch) > 1:
            messages = self._batch_messages(batch)
            if messages is not None:
                self._connection.send(messages)
                return
        for one in batch:
            self._score(one)

    def _batch_messages(self, batch: List[frames.Frame]) -> Optional[bytes]:
        """Return the answers to a batch; None if its requests have to be scored one by one."""
        function = self._run_arrays if batch[0].kind == frames.ARRAY else self._run_tables
        try:
            value, counts = self._caller.call({"batch": batch}, function)
            pieces = self._batcher.split(value, counts)
            if pieces is None:
                return None
            elapsed_ms = self._caller.elapsed_ms
            messages = [self._message(piece, elapsed_ms, one.request_id) for one, piece in zip(batch, pieces)]
        except (CallFailed, results.NotSerialisable):
            # Each of them gets its own answer, and the log the errors of those that fail.
            self._batcher.note_misfit()
            return None
        return b"".join(message for message in messages if message is not None)

    def _run_arrays(self, batch: List[frames.Frame]) -> Tuple[Any, List[int]]:
        """Call ``run`` once with the rows of all requests; also return how many each of them has."""
        type_code, shape, data, counts = join_arrays(batch, self._arguments.read_array)
        array = self._arguments.make_array(type_code, shape, data)
        return self._caller.run(**self._arguments.of_array(array)), counts

    def _run_tables(self, batch: List[frames.Frame]) -> Tuple[Any, List[int]]:
        tables = self._tables
        assert tables is not None  # else no table is collected
        table, counts = tables.join(batch)
        return self._caller.run(**{tables.name: table}), counts

    def _send_internal_error(self, request_id: int, error: Exception) -> None:
        trace = user_traceback(error)
        logs.logger.error("A request could not be handled:\n%s", trace)
        self._send_error(request_id, frames.NOT_SERIALISABLE, INTERNAL_ERROR, None, trace)

    def _send_error(
        self, request_id: int, kind: int, message: str, status: Optional[int] = None, trace: str = ""
    ) -> None:
        content: Dict[str, Any] = {"message": message}
        if status is not None:
            content["status"] = status
        if trace and self._development:
            content["traceback"] = trace
        payload = dumps(content).encode("ascii")
        self._connection.send(frames.pack(frames.ERROR, payload, 0, kind, request_id))


class _Stream:
    """The result of a ``run`` that is a generator itself."""

    def __init__(self, items: Any) -> None:
        self.items = items
        self.close = items.close
