"""Replies of ennexOS, and whatever else JSON can say in their places."""

from typing import Any

from hypothesis import strategies as st

from sma_exporter.ennexos.channels import CHANNELS
from sma_exporter.ennexos.client import PLANT, SELF

#: What json.loads may return, with the member names that mean something here.
_NAMES = st.sampled_from(
    ["channelId", "componentId", "values", "value", "time", "deviceId", "serial", "productTagId"]
)
LEAVES = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.sampled_from(
        [
            302,
            307,
            16_777_213,
            16777213.0,
            2**64,
            -1,
            10**400,
            float("inf"),
            float("nan"),
            "NaN",
            "",
        ]
    )
    | st.floats()
    | st.sampled_from(["307", "1e999", "-5", "1_0", "2025-06-14T11:00:00Z", "9999-12-31T23:59:59Z"])
    | st.text(max_size=8)
)
JSON = st.recursive(
    LEAVES,
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(_NAMES | st.text(max_size=3), inner, max_size=4)
    ),
    max_leaves=12,
)
CHANNEL_IDS = st.sampled_from([each.id + end for each in CHANNELS for end in ("", "[]")])
OBJECTS = st.dictionaries(_NAMES | st.text(max_size=5), JSON, max_size=5)


@st.composite
def rows(draw: st.DrawFn) -> dict[str, Any]:
    """A row of a reply to measurements/live, the more of it out of its place the rarer."""
    entry = {
        "time": draw(st.just("2025-06-14T11:00:00.000Z") | JSON),
        draw(st.sampled_from(["value", "values"])): draw(JSON),
    }
    return {
        "channelId": draw(CHANNEL_IDS | JSON),
        "componentId": draw(st.sampled_from([SELF, PLANT]) | JSON),
        "values": draw(st.just([entry]) | st.just([entry, entry]) | JSON),
    }


REPLIES = st.lists(rows() | OBJECTS, max_size=8)
