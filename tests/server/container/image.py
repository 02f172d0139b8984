"""The server in a stand-in container: answers with what it was asked; some bodies make it misbehave."""

import http.server
import json
import os
import sys


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        self.answer(b"up", 404 if self.path == "/nowhere" else 200)

    do_HEAD = do_GET

    def do_POST(self):
        body = self.body()
        if body == b"exit":
            os._exit(9)
        if body == b"silence":
            self.close_connection = True
            return
        if body == b"chunks":
            self.send_response(201, "Made")
            self.send_header("Transfer-Encoding", "chunked")
            self.end_headers()
            for part in (b"x" * 300_000, b"y"):
                self.wfile.write(b"%x\r\n%b\r\n" % (len(part), part))
            self.wfile.write(b"0\r\n\r\n")
            return
        if body == b"until-closed":
            self.wfile.write(b"HTTP/1.1 200 OK\r\nX-A: 1\r\nX-A: 2\r\n\r\nall of it")
            self.close_connection = True
            return
        if body == b"nothing":
            self.send_response(204)
            self.end_headers()
            return
        head = {name.lower(): value for name, value in self.headers.items()}
        self.answer(json.dumps({"path": self.path, "head": head, "size": len(body)}).encode())

    def body(self):
        if self.headers.get("Transfer-Encoding") == "chunked":
            parts = []
            while size := int(self.rfile.readline(), 16):
                parts.append(self.rfile.read(size))
                self.rfile.readline()
            self.rfile.readline()
            return b"".join(parts)
        return self.rfile.read(int(self.headers.get("Content-Length", 0)))

    def answer(self, body, status=200):
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def log_message(self, *values):
        pass


print("the image begins", flush=True)
http.server.ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Handler).serve_forever()
