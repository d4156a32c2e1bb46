"""Sound inputs, damaged: most of what is drawn at random ends at the first byte, this gets further."""

from collections.abc import Sequence

from hypothesis import strategies as st

_INSERTED = (b"\x00", b"\xff" * 5, b"\x80" * 12, b"(", b"[" * 60, b'"', b"\\", b"`", b"{" * 30, b"\r\n", b"\n\n")


@st.composite
def damaged(draw: st.DrawFn, sound: Sequence[bytes]) -> bytes:
    """One of them, of which up to four places are cut out, repeated, exchanged or written over, or have more put in."""
    found = bytearray(draw(st.sampled_from(sound)))
    for _ in range(draw(st.integers(0, 4))):
        at = draw(st.integers(0, len(found)))
        end = draw(st.integers(at, min(len(found), at + 40)))
        what = draw(st.integers(0, 4))
        if what == 0:
            del found[at:end]
        elif what == 1:
            found[at:at] = found[at:end] * draw(st.integers(1, 3))
        elif what == 2:
            found[at:end] = draw(st.binary(max_size=8))
        elif what == 3:  # as long as before: what says its own length stays so
            end = min(end, at + 3)
            found[at:end] = draw(st.binary(min_size=end - at, max_size=end - at))
        else:
            found[at:at] = draw(st.sampled_from(_INSERTED))
    return bytes(found)


def damaged_text(sound: Sequence[str]) -> st.SearchStrategy[str]:
    """The same of texts, and any text at all."""
    return st.text(max_size=200) | damaged([each.encode() for each in sound]).map(
        lambda found: found.decode("utf-8", "replace")
    )
