"""Who may do what is written in the chapter just as the code has it."""

from services.control.access.rights import INSTALLATION, OPEN, RIGHTS, Right, Role
from tests.chapters import chapter


def matrix() -> str:
    """The table of rights and roles: what the chapter has to hold, line by line."""
    roles = list(Role)
    rows = ["| right | " + " | ".join(roles) + " |", "|---|" + "---|" * len(roles)]
    for right in Right:
        if right in OPEN:
            continue
        shown = f"`{right}`" + (" (everywhere only)" if right in INSTALLATION else "")
        rows.append(f"| {shown} | " + " | ".join("yes" if right in RIGHTS[role] else "" for role in roles) + " |")
    return "\n".join(rows)


def test_the_chapter_has_the_matrix_of_rights_as_it_is() -> None:
    assert matrix() in chapter("services/control"), f"put this into services/control/README.md:\n{matrix()}"


def test_every_right_that_is_asked_of_people_is_given_by_some_role_and_every_role_may_look() -> None:
    given = frozenset[Right]().union(*RIGHTS.values())
    assert given == frozenset(Right) - OPEN
    assert all({Right.OWN, Right.SEE} <= rights for rights in RIGHTS.values())
