"""Learning to listen: see README.md. `l2l.Listener` is the real-time listener of a trained model, `l2l.Session` a
conversation with it by camera and microphone, `l2l.LiveLink` sends what it does to an avatar."""

import os
from importlib import import_module
from typing import Any

# onnxruntime writes a device id into the home folder and contacts its maker unless this is set before its import.
os.environ["ORT_DISABLE_TELEMETRY"] = "1"


def __getattr__(name: str) -> Any:
    # Not at import: the command line and the workflow ask for this package long before they need torch.
    if name == "Listener":
        return import_module("l2l.patches.live").Listener
    if name == "Session":
        return import_module("l2l.live.session").Session
    if name == "LiveLink":
        return import_module("l2l.live.livelink").LiveLink
    raise AttributeError(f"module 'l2l' has no attribute {name!r}")
