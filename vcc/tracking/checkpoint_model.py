"""The pyfunc that a registered checkpoint is: raw clips in, logits out.

MLflow runs this file to rebuild the model (model from code), so nothing of it is pickled. The
project's own code travels beside it.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import mlflow.models
import numpy as np
import numpy.typing as npt
import torch
from mlflow.pyfunc.model import PythonModel

from vcc.models.checkpoint import load_checkpoint
from vcc.models.pixels import PixelClassifier


class CheckpointModel(PythonModel):
    """Classifies clips with the network of a checkpoint folder."""

    def load_context(self, context: Any) -> None:
        """Rebuild the network."""
        checkpoint = load_checkpoint(Path(context.artifacts["checkpoint"]))
        normalisation = checkpoint.metadata["normalisation"]
        self._classifier = PixelClassifier(
            checkpoint.model, mean=normalisation["mean"], std=normalisation["std"]
        ).eval()

    def predict(
        self, context: Any, model_input: npt.NDArray[np.float32], params: Any = None
    ) -> npt.NDArray[np.float32]:
        """Return logits [N,C] for pixels 0..255, float32 [N,3,T,H,W]."""
        with torch.inference_mode():
            logits = self._classifier(torch.from_numpy(np.asarray(model_input)))
        result: npt.NDArray[np.float32] = logits.numpy()
        return result


mlflow.models.set_model(CheckpointModel())
