"""A BentoML service."""

import os

import bentoml
import numpy as np
import work

WORKERS = int(os.environ["BENCH_WORKERS"])
BATCHING = os.environ["BENCH_BATCHING"] == "1"


@bentoml.service(workers=WORKERS, traffic={"timeout": 60})
class Score:
    def __init__(self):
        self.model = work.load_model()

    @bentoml.api(route="/score", batchable=BATCHING, max_batch_size=64, max_latency_ms=1000)
    def score(self, data: np.ndarray) -> np.ndarray:
        return work.score_slowly(data) if work.TASK == "slow" else self.model.predict(data)

    @bentoml.api(route="/frame")
    def frame(self, data: list[dict]) -> list[float]:
        return work.score_frame(data)
