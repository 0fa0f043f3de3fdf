"""How a bundle is run in a container: a compose file, and KServe's description of a service."""

from __future__ import annotations

import json
import re

COMPOSE_FILE, KSERVE_FILE = "compose.yaml", "kserve.yaml"


def compose_of_script(package: str) -> str:
    """Return a compose file that runs infer.py on a folder of videos, with no network.

    Args:
        package: the runtime, as it is installed.
    """
    return f"""\
# Classifies videos of a folder, which the container reads and does not change:
#
#     VIDEOS=/path/of/videos docker compose run --rm infer /videos/NAME.avi
services:
  infer:
    build:
      context: .
      dockerfile_inline: |
        FROM python:3.11-slim
        RUN pip install --no-cache-dir numpy av {package} \\
            && useradd --create-home --uid 1000 infer
        COPY . /bundle
        USER infer
        ENTRYPOINT ["python", "/bundle/infer.py"]
    volumes:
      - "${{VIDEOS:?the folder of videos}}:/videos:ro"
    network_mode: none
    read_only: true
"""


def compose_of_triton() -> str:
    """Return a compose file that serves a model repository on this machine alone."""
    return """\
# Serves this folder on this machine alone; whoever reaches Triton may ask it anything:
#
#     TRITON_IMAGE=nvcr.io/nvidia/tritonserver:VERSION-py3 docker compose up
services:
  triton:
    image: "${TRITON_IMAGE:?nvcr.io/nvidia/tritonserver:VERSION-py3}"
    command: ["tritonserver", "--model-repository=/models"]
    volumes:
      - ".:/models:ro"
    ports:
      - "127.0.0.1:8000:8000"
      - "127.0.0.1:8001:8001"
      - "127.0.0.1:8002:8002"
    shm_size: 1gb
"""


def kserve_of_triton(name: str) -> str:
    """Return KServe's InferenceService of a model repository, to be told where it lies.

    Args:
        name: of the network.
    """
    return f"""\
# Copy this folder to where the cluster reads it, write its address below, then
#
#     kubectl apply -f kserve.yaml
apiVersion: serving.kserve.io/v1beta1
kind: InferenceService
metadata:
  name: {json.dumps(service_name(name))}
spec:
  predictor:
    model:
      modelFormat:
        name: triton
      protocolVersion: v2
      storageUri: "pvc://CLAIM/FOLDER"
      resources:
        requests: {{cpu: "1", memory: 2Gi}}
        limits: {{cpu: "2", memory: 4Gi}}
"""


def service_name(name: str) -> str:
    """Return a name as Kubernetes takes it: lower-case letters, digits and dashes, at most 63."""
    plain = re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")
    # It must begin with a letter.
    plain = plain if plain[:1].isalpha() else f"vcc-{plain}"
    return plain[:63].strip("-")
