"""Records that say of themselves whether they were changed since: JSON with a digest of it all."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any

OWN_DIGEST = "digest"
"""What a record calls the digest of all else that it says. Older ones, and those of other hands,
have none."""


def signed(record: Mapping[str, Any]) -> dict[str, Any]:
    """A record with its digest, that of the JSON of all else in one form (sorted keys)."""
    said = {name: value for name, value in record.items() if name != OWN_DIGEST}
    # As it will be read: JSON has no tuples, and no names but texts.
    return {**said, OWN_DIGEST: _digest(json.loads(json.dumps(said)))}


def unsigned(record: Mapping[str, Any]) -> dict[str, Any]:
    """What a record that was read says beside its digest. Raises ValueError where that is not what
    was saved."""
    said = dict(record)
    if OWN_DIGEST in said and said.pop(OWN_DIGEST) != _digest(said):
        raise ValueError("it says something else than was saved")
    return said


def _digest(said: Mapping[str, Any]) -> str:
    text = json.dumps(said, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()
