"""What one writes with FastAPI by hand."""

import numpy as np
import work
from fastapi import FastAPI, Request
from pydantic import BaseModel

app = FastAPI()
model = work.load_model()


class Rows(BaseModel):
    data: list[list[float]]


class Records(BaseModel):
    data: list[dict]


if work.TASK in ("ridge", "floats"):

    @app.post("/score")
    def score(body: Rows) -> list[float]:
        return model.predict(np.array(body.data)).tolist()

elif work.TASK == "frame":

    @app.post("/score")
    def score_frame(body: Records) -> list[float]:
        return work.score_frame(body.data)

elif work.TASK == "slow":

    @app.post("/score")
    def score_slowly(body: Rows) -> list[float]:
        return work.score_slowly(body.data).tolist()

else:

    @app.post("/score")
    async def count(request: Request) -> int:
        return len(await request.body())
