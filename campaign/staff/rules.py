"""What each role may do, and what an account has to be. Role × permission is one table."""

from collections.abc import Collection, Mapping
from enum import StrEnum

from email_validator import EmailNotValidError, validate_email

from campaign.staff.scopes import Scope
from campaign.text import InvalidText, clean_line


class Permission(StrEnum):
    """One thing that an account may or may not do, named by the work."""

    READ_NUMBERS = "read numbers"
    EXPORT = "export"
    REVIEW = "review"
    FIND_PEOPLE = "find people"
    ERASE_PEOPLE = "erase people"
    IMPORT_PEOPLE = "import people"
    SETTLE_INSTITUTIONS = "settle institutions"
    MANAGE_REGISTRY = "manage the registry"
    EDIT_INSTITUTION = "edit an institution's page"
    EDIT_TEXTS = "edit texts"
    TRANSLATE = "translate"
    PUBLISH = "publish"
    MANAGE_PARTNERS = "manage partners"
    READ_RECORD = "read the record"
    MANAGE_STAFF = "manage staff"


class Role(StrEnum):
    """In what capacity an account works at the desk."""

    ADMINISTRATOR = "administrator"
    EDITOR = "editor"
    TRANSLATOR = "translator"
    MODERATOR = "moderator"
    SENDER = "sender"
    ANALYST = "analyst"
    COORDINATOR = "coordinator"
    STEWARD = "steward"


_P = Permission
PERMISSIONS: Mapping[Role, frozenset[Permission]] = {
    Role.ADMINISTRATOR: frozenset(Permission),
    Role.EDITOR: frozenset({_P.READ_NUMBERS, _P.EDIT_TEXTS, _P.TRANSLATE, _P.PUBLISH}),
    Role.TRANSLATOR: frozenset({_P.TRANSLATE}),
    Role.MODERATOR: frozenset({_P.READ_NUMBERS, _P.REVIEW, _P.FIND_PEOPLE, _P.SETTLE_INSTITUTIONS}),
    Role.SENDER: frozenset({_P.READ_NUMBERS}),
    Role.ANALYST: frozenset({_P.READ_NUMBERS, _P.EXPORT}),
    Role.COORDINATOR: frozenset(
        {_P.READ_NUMBERS, _P.REVIEW, _P.FIND_PEOPLE, _P.SETTLE_INSTITUTIONS, _P.EXPORT}
    ),
    Role.STEWARD: frozenset({_P.READ_NUMBERS, _P.EDIT_INSTITUTION}),
}


NAME_LENGTH = 100


class InvalidAddress(ValueError):
    """The text is no address that mail can reach."""


class InvalidName(ValueError):
    """The text is no name: there is nothing of it, or too much."""


def normalized(address: str) -> str:
    """Return the form by which addresses of accounts are compared."""
    return address.strip().casefold()


def check_address(text: str) -> str:
    """Return the address of an account. Raises InvalidAddress."""
    try:
        valid = validate_email(text.strip(), check_deliverability=False, test_environment=True)
    except EmailNotValidError:
        raise InvalidAddress from None
    return normalized(valid.normalized)


def check_name(text: str) -> str:
    """Return the name of an account's owner. Raises InvalidName."""
    try:
        name = clean_line(text, max_length=NAME_LENGTH)
    except InvalidText:
        raise InvalidName from None
    if not name:
        raise InvalidName
    return name


class RightsProblem(StrEnum):
    """Why roles and a scope do not go together."""

    NO_ROLE = "no role"
    NO_COUNTRY = "no country"
    NO_INSTITUTION = "no institution"
    NO_LANGUAGE = "no language"
    # Who may do everything, may do it everywhere.
    ADMINISTRATOR_LIMITED = "administrator limited"


class InvalidRights(Exception):
    """Roles and scope do not go together."""

    def __init__(self, problem: RightsProblem) -> None:
        super().__init__(problem)
        self.problem = problem


def check_rights(roles: Collection[Role], scope: Scope, languages: Collection[str] | None) -> None:
    """Raises InvalidRights where the roles and the scope do not go together."""
    needs = {
        RightsProblem.NO_ROLE: not roles,
        RightsProblem.NO_COUNTRY: Role.COORDINATOR in roles and not scope.countries,
        RightsProblem.NO_INSTITUTION: Role.STEWARD in roles and not scope.institution_id,
        RightsProblem.NO_LANGUAGE: Role.TRANSLATOR in roles
        and languages is not None
        and not languages,
        RightsProblem.ADMINISTRATOR_LIMITED: Role.ADMINISTRATOR in roles
        and not scope.is_everything,
    }
    for problem, applies in needs.items():
        if applies:
            raise InvalidRights(problem)


def permissions_of(roles: Collection[Role]) -> frozenset[Permission]:
    """Return what these roles may do together."""
    return frozenset().union(*(PERMISSIONS[role] for role in roles))
