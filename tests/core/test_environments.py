"""What expressions are compiled in is kept, and leaves nothing of one to the next."""

from hypothesis import example, given, settings
from hypothesis import strategies as st

from gateway.core.analysis.syntax import Node, parse
from gateway.core.environments import Environments
from gateway.core.revision.decode import Mistakes
from gateway.messages.contracts import ContractBook

BOOK = ContractBook((), Mistakes())
SEES = ("pilote.crm.v1.GetContactRequest", "", True)
TEXTS = (
    *("true", "now", "1 +", "nobody.knows", "request.name", 'agent.labels["access"] == "full"'),
    *(
        "now > timestamp('2020-01-01T00:00:00Z')",
        "[(true\n),(request.name == ''\n)]",
        "facts.segments.exists(s, s == agent.name)",
    ),
    *("[1, 2].exists(request, request == 2)", "{'a': 1}.a == 1", "duration('1h') > duration('2h')", "request.none"),
)


def _compiled(environments: Environments, text: str) -> tuple[Node, list[int]] | str:
    try:
        code = bytes(environments.of(SEES).compile(text).serialize())
    except (RuntimeError, ValueError) as error:
        return str(error)
    return parse(code), sorted(code)  # its maps are written in any order


@given(st.lists(st.sampled_from(TEXTS), min_size=1, max_size=8))
@example(list(TEXTS))
@settings(max_examples=30)
def test_an_expression_comes_to_the_same_whatever_was_compiled_before(texts: list[str]) -> None:
    fresh = _compiled(Environments(BOOK.pool), texts[-1])
    assert [_compiled(BOOK.environments, text) for text in texts][-1] == fresh


def test_each_is_made_once_and_no_two_that_see_different_things_are_one() -> None:
    environments = Environments(BOOK.pool)
    seen = [SEES, (SEES[0], "", False), (SEES[0], "pilote.crm.v1.Contact", True), ("", "", False)]
    made = [environments.of(sees) for sees in seen]
    assert len({id(each) for each in made}) == len(seen)
    assert all(environments.of(sees) is each for sees, each in zip(seen, made, strict=True))
