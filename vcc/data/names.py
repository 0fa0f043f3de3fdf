"""What a video's name says, and a name that is safe to store it under."""

from __future__ import annotations

import hashlib
import re
from urllib.parse import quote

# UCF101's naming; anything that ends in _gNN_cNN is taken to mean group and clip too.
_GROUPED = re.compile(r"^(?:v_)?(?P<label>.+)_g(?P<group>\d+)_c(?P<clip>\d+)$")

# File systems allow 255 bytes; room is left for the suffix and the prefix of partial files.
_LONGEST_NAME = 200


def group_of(video_id: str) -> str | None:
    """Return `LABEL_gNN` for a name such as `v_LABEL_gNN_cNN`, the unit that never gets split."""
    match = _GROUPED.match(video_id)
    return f"{match['label']}_g{match['group']}" if match else None


def group_number(group: str) -> int | None:
    """Return the number at the end of a group made by `group_of`, if there is one."""
    match = re.search(r"_g(\d+)$", group)
    return int(match[1]) if match else None


def safe_name(name: str) -> str:
    """Return a file name of letters, digits and `._-%` that is different for different names.

    Other bytes become %XX; what is then too long keeps its beginning and ends in a hash.
    """
    encoded = quote(name, safe="", errors="surrogateescape").replace("~", "%7E")
    if encoded.startswith("."):
        encoded = "%2E" + encoded[1:]
    if len(encoded) > _LONGEST_NAME:
        digest = hashlib.sha256(name.encode(errors="surrogateescape")).hexdigest()[:16]
        encoded = f"{encoded[: _LONGEST_NAME - 17]}-{digest}"
    return encoded


def is_text(name: str) -> bool:
    """Return whether a file name is valid text, which not every file system guarantees."""
    try:
        name.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True
