"""A runtime for MLServer: what its own scikit-learn runtime cannot do."""

import work
from mlserver import MLModel
from mlserver.codecs import NumpyCodec
from mlserver.types import InferenceRequest, InferenceResponse


class Slow(MLModel):
    async def load(self) -> bool:
        return True

    async def predict(self, payload: InferenceRequest) -> InferenceResponse:
        rows = self.decode(payload.inputs[0], default_codec=NumpyCodec)
        answer = NumpyCodec.encode_output("predict", work.score_slowly(rows))
        return InferenceResponse(model_name=self.name, outputs=[answer])
