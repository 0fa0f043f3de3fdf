"""Imports what sets an environment variable on first use, before a test could be blamed for it."""

import torch._dynamo
import torch._inductor.config  # noqa: F401
