"""Which files are pictures of ours."""

import re

from . import MARK

_DIGEST = MARK.encode() + rb"[0-9a-f]{64}"
_SVG = re.compile(rb"<dc:identifier>" + _DIGEST + rb"</dc:identifier>")
_PNG = re.compile(rb"tEXtIdentifier\0" + _DIGEST)
_PDF = re.compile(rb"/Keywords \(" + _DIGEST + rb"\)")


def is_picture(content: bytes) -> bool:
    """Whether an SVG, PNG or PDF names the digest of its numbers where ours do, in what it says of itself; not one that
    has a picture of ours in it, nor a text that quotes it."""
    if content.startswith(b"<?xml"):
        head, end, _ = content.partition(b"</metadata>")
        return bool(end) and head.count(b"<svg") == 1 and _SVG.search(head) is not None
    if content.startswith(b"\x89PNG\r\n\x1a\n"):
        return _PNG.search(content.partition(b"IDAT")[0]) is not None
    return content.startswith(b"%PDF-") and _PDF.search(content.rpartition(b"endstream")[2]) is not None
