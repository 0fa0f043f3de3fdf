"""KServe's InferenceService, as far as it is used: by the names in its SDK's models.

The SDK itself brings a web server and more along, and is not installed for this.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

# Of `V1beta1ModelSpec` and `V1beta1PredictorSpec` of kserve 0.21, as far as our files use them, and
# of Kubernetes' own `V1Container`.
MODEL = {"modelFormat", "protocolVersion", "runtimeVersion", "storageUri", "resources"}
CONTAINER = {"name", "image", "env", "ports", "readinessProbe", "resources"}
PREDICTOR = {"model", "containers", "timeout", "minReplicas", "maxReplicas"}
QUANTITY = re.compile(r"\d+(\.\d+)?(m|Ki|Mi|Gi)?")


def check_service(service: Mapping[str, Any]) -> None:
    """Fail where a service has another form than KServe's."""
    assert service["apiVersion"] == "serving.kserve.io/v1beta1"
    assert service["kind"] == "InferenceService"
    assert set(service) == {"apiVersion", "kind", "metadata", "spec"}
    assert re.fullmatch(r"[a-z]([a-z0-9-]{0,61}[a-z0-9])?", service["metadata"]["name"])
    assert set(service["spec"]) == {"predictor"}
    predictor = service["spec"]["predictor"]
    assert set(predictor) <= PREDICTOR
    # One of the two says what runs.
    assert ("model" in predictor) != ("containers" in predictor)
    for part in [*predictor.get("containers", ()), *filter(None, [predictor.get("model")])]:
        for wanted in part["resources"].values():
            assert all(QUANTITY.fullmatch(str(value)) for value in wanted.values())
    if "model" in predictor:
        assert set(predictor["model"]) <= MODEL
        assert set(predictor["model"]["modelFormat"]) <= {"name", "version"}
        assert "storageUri" in predictor["model"]
    for container in predictor.get("containers", ()):
        assert set(container) <= CONTAINER
        assert all(set(each) == {"name", "value"} for each in container["env"])
        assert all(isinstance(each["value"], str) for each in container["env"])
