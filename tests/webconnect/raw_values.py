"""Raw values as devices send them, and whatever else JSON can say."""

from typing import Any

from hypothesis import strategies as st

from sma_exporter.sma.objects import OBJECTS

KEYS = tuple(each.key for each in OBJECTS)

# What json.loads may return, with the member names that mean something here.
_NAMES = st.sampled_from(["val", "tag", "str", "low", "high", "validVals", "1", "7", "9", "65"])
_LEAVES = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.sampled_from([307, 16_777_213, 0xFFFF_FFFF, -0x8000_0000, 2**64, -1, 10**400])
    | st.floats()
    | st.text(max_size=8)
)
JSON = st.recursive(
    _LEAVES,
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(_NAMES | st.text(max_size=3), inner, max_size=4)
    ),
    max_leaves=12,
)
RESULTS = st.dictionaries(st.sampled_from(KEYS) | st.text(max_size=5), JSON, max_size=8)


def entries(*values: object) -> dict[str, Any]:
    """A raw value of a device class, with an entry for each element."""
    return {"9": [{"val": value} for value in values]}


def state(*numbers: int) -> dict[str, Any]:
    """A raw status: its active tags."""
    return entries([{"tag": number} for number in numbers])
