"""A Ray Serve deployment: python ray_app.py PORT REPLICAS BATCH_SIZE."""

import signal
import sys

import numpy as np
import ray
import work
from ray import serve

port, replicas, batch_size = map(int, sys.argv[1:4])


@serve.deployment(num_replicas=replicas, max_ongoing_requests=100, ray_actor_options={"num_cpus": 0.1})
class Score:
    def __init__(self):
        self.model = work.load_model()

    @serve.batch(max_batch_size=batch_size, batch_wait_timeout_s=0.001)
    async def slowly(self, batch):
        answer = work.score_slowly(np.concatenate(batch))
        return [part.tolist() for part in np.split(answer, np.cumsum([len(b) for b in batch])[:-1])]

    async def __call__(self, request):
        data = (await request.json())["data"]
        if work.TASK == "frame":
            return work.score_frame(data)
        if work.TASK == "slow":
            return await self.slowly(np.array(data))
        return self.model.predict(np.array(data)).tolist()


if __name__ == "__main__":
    ray.init(include_dashboard=False, log_to_driver=False)
    serve.start(http_options={"host": "127.0.0.1", "port": port})
    serve.run(Score.bind(), route_prefix="/score")
    signal.sigwait([signal.SIGTERM, signal.SIGINT])
    serve.shutdown()
    ray.shutdown()
