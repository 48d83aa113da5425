"""The shapes of what partners hand in; see ``schemas``. The values are checked by ``pledges.rules``."""

from marshmallow import Schema, fields, validate

from campaign.api.schemas import ProblemItem, ProblemSchema, described
from campaign.pledges.rules import AFFILIATIONS, ROLES

_SLUG = r"^[a-z0-9][a-z0-9-]{0,99}$"
_TAG = r"^[A-Za-z]{2,8}(-[A-Za-z0-9]{1,8}){0,4}$"


class YesOrNo(fields.Boolean):
    """A JSON boolean, nothing that only means one: a consent must not rest on "on" or 1."""

    def _deserialize(self, value: object, attr: str | None, data: object, **named: object) -> bool:
        if not isinstance(value, bool):
            raise self.make_error("invalid", input=value)
        return value


class WholeNumber(fields.Integer):
    """A JSON integer, no string and no boolean."""

    def _validated(self, value: object) -> int:
        if not isinstance(value, int) or isinstance(value, bool):
            raise self.make_error("invalid", input=value)
        return value


class IdempotencySchema(Schema):
    """The header by which a repeated request is recognized."""

    idempotency_key = fields.String(
        data_key="Idempotency-Key",
        validate=[validate.Length(1, 255), validate.Regexp(r"^[\x21-\x7e]+$")],
        metadata=described(
            "A text of your own, new for each pledge. Within 24 hours the same text with the same body is answered "
            "the same, and nothing is done twice.",
            "3f0c9a52-9b1c-4d0e-8f5e-0f4f5f4a7c11",
        ),
    )


class PledgeSchema(Schema):
    """A person's pledge, as the person wrote it."""

    campaign = fields.String(
        required=True,
        validate=validate.Regexp(_SLUG),
        metadata=described("The campaign.", "heart-of-science", pattern=_SLUG),
    )
    text_version = WholeNumber(
        required=True,
        validate=validate.Range(1, 9999),
        metadata=described("Version of the text that stood above your form.", 1),
    )
    locale = fields.String(
        required=True,
        validate=validate.Regexp(_TAG),
        metadata=described(
            "Language of that text (BCP 47); the person's mail is in it.", "sw", pattern=_TAG
        ),
    )
    name = fields.String(required=True, metadata=described("Full name.", "Wanjiru Kamau"))
    email = fields.String(
        required=True, metadata=described("Gets the mail to confirm by.", "wanjiru@uonbi.ac.ke")
    )
    affiliation = fields.String(
        metadata=described(
            f"One of {', '.join(AFFILIATIONS)}. A key bound to an institution fills in this and the next.",
            "institution",
        )
    )
    institution = fields.String(
        metadata=described(
            "ROR id, with or without https://ror.org/; with affiliation institution.", "02y9nww90"
        )
    )
    institution_text = fields.String(
        metadata=described("Name of the institution, with affiliation unlisted.")
    )
    role = fields.String(
        metadata=described(
            f"One of {', '.join(ROLES)}; not with affiliation independent.", "researcher"
        )
    )
    country = fields.String(required=True, metadata=described("ISO 3166-1, two letters.", "KE"))
    disciplines = fields.List(
        fields.String(), metadata=described("Fields of research (FORD), up to eight.", ["1.5"])
    )
    orcid = fields.String(metadata=described("ORCID iD.", "0000-0002-1825-0097"))
    commitments = fields.List(
        fields.String(),
        metadata=described("Codes of the commitments that the person ticked.", ["network"]),
    )
    words = fields.String(metadata=described("A public word of the person's own."))
    listed = YesOrNo(
        required=True,
        metadata=described(
            "Whether the person agreed to be listed by name. Ask; do not assume.", True
        ),
    )
    newsletter = YesOrNo(
        required=True,
        metadata=described(
            "Whether the person asked for the newsletter. Ask; do not assume.", False
        ),
    )


class AcceptedSchema(Schema):
    """The pledge is on its way to its person."""

    status = fields.String(
        required=True,
        validate=validate.Equal("unconfirmed"),
        metadata=described("It counts once its person confirms it.", "unconfirmed"),
    )
    code_url = fields.String(
        required=True,
        metadata=described(
            "The page where the person can type the code of the mail.", format="uri"
        ),
    )


class PledgeProblemItem(ProblemItem):
    """What is wrong with one field, for the person and for the program."""

    code = fields.String(metadata=described("The kind of mistake.", "required"))


class PledgeProblemSchema(ProblemSchema):
    """An error, with a sentence in the language of Accept-Language for every field that needs another look."""

    class Meta:
        title = "PledgeProblem"

    errors = fields.List(
        fields.Nested(PledgeProblemItem), metadata=described("Which fields need another look.")
    )
