"""Bounds on what a client may send. The size of a body is a setting; these are not."""

MAX_REQUEST_LINE_BYTES = 4094  # as the original server: longer ones are 414
MAX_FIELD_BYTES = 8190  # one header field; longer ones are 431
MAX_HEADER_FIELDS = 100
MAX_HEAD_BYTES = (
    131_072  # a head that is not complete after so many bytes is refused without waiting for its end
)
MAX_PIPELINED = 64  # requests of one connection that wait for the answers before them
LARGE_BODY_BYTES = 262_144  # from here, a body is looked at again before it is complete
STREAM_FROM_BYTES = 1_048_576  # bodies for raw scripts are handed on in pieces from here
TAKE_OVER_BYTES = 65_536  # what is still to come of a body then passes by the parser
MAX_MULTIPART_FIELD_BYTES = 500_000  # a field that is not a file
MAX_MULTIPART_PARTS = 1000
MAX_ID_CHARACTERS = 100
LINGER_S = 2.0  # how long the rest of a refused request is read and thrown away
MAX_TRAILER_BYTES = 8190  # header fields behind a chunked body, all together; they are dropped
HEAD_S = 30  # a head is complete after this, however steadily it trickles in
KEEP_ALIVE_S = 75  # an idle connection is closed after this
RECEIVE_S = 60  # a request that makes no progress for so long is given up
DRAIN_QUIET_S = 5  # while draining, idle connections get this long to send what they were about to send
BACKLOG = 2048  # connections that wait to be accepted
