"""A LitServe API: python litserve_app.py PORT WORKERS BATCH_SIZE."""

import sys

import litserve
import numpy as np
import work


class Score(litserve.LitAPI):
    def setup(self, device):
        self.model = work.load_model()

    def decode_request(self, request):
        return request["data"] if work.TASK == "frame" else np.array(request["data"], dtype=float)

    def batch(self, inputs):
        self.sizes = [len(rows) for rows in inputs]
        return np.concatenate(inputs)

    def predict(self, rows):
        if work.TASK == "frame":
            return np.array(work.score_frame(rows))
        if work.TASK == "slow":
            return work.score_slowly(rows)
        return self.model.predict(rows)

    def unbatch(self, output):
        return np.split(output, np.cumsum(self.sizes)[:-1])

    def encode_response(self, output):
        return output.tolist()


if __name__ == "__main__":
    port, workers, batch_size = map(int, sys.argv[1:4])
    api = Score(max_batch_size=batch_size)
    server = litserve.LitServer(api, accelerator="cpu", workers_per_device=workers)
    server.run(host="127.0.0.1", port=port, generate_client_file=False, log_level="warning")
