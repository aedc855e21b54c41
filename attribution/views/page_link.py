"""A link that opens a query and its documents in the page's tab Compare: the one place in Python that knows its form.

`interface/page/static/permalink.js` reads it: `#p=1.` and, as base64url of deflated JSON, some fields by name.
"""

from __future__ import annotations

import base64
import json
import zlib
from collections.abc import Sequence

COMPARE = 1  # the tab's place
FORM, LIST = "Documents as", "one list"


def compare_link(page: str, query: str, documents: Sequence[str], model_id: str) -> str:
    """The address of `page` with the texts in its fragment, which no browser sends to a server."""
    listed = "\n".join(json.dumps({"text": text}) for text in documents)
    fields = {"Query": query, FORM: LIST, "Documents": listed, "Model": model_id}
    state = json.dumps({"v": fields, "t": COMPARE}).encode()
    packer = zlib.compressobj(9, wbits=-15)
    packed = base64.urlsafe_b64encode(packer.compress(state) + packer.flush()).decode().rstrip("=")
    return f"{page.split('#')[0]}#p=1.{packed}"
