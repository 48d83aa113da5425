"""What a pledge must be: every field's bad input is refused with a reason, and no good name is."""

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import settings as effort
from hypothesis import strategies as st

from campaign.campaigns.models import CampaignText
from campaign.institutions.models import Institution
from campaign.pledges import rules
from campaign.pledges.models import Kind
from campaign.pledges.rules import (
    FieldProblem,
    InvalidPledge,
    check,
    check_address,
    check_with_address,
)

TEXT = CampaignText(
    commitments=[["network", "I join the network."], ["lectures", "I lecture."]],
    commitments_institution=[["centre", "We prepare a centre."]],
)
UNIVERSITY = Institution(
    id="02y9nww90", country="KE", name="University of Example", domains=["example.ac.ke"]
)
PERSON = {
    "name": ["Wanjiru Kamau"], "email": ["wanjiru@example.org"], "affiliation": ["independent"],
    "country": ["KE"], "commitments": ["network"], "disciplines": ["1.5"], "listed": ["name"],
}  # fmt: skip
REPRESENTATIVE = {
    "name": ["Wanjiru Kamau"], "email": ["rector@example.ac.ke"], "institution": [UNIVERSITY.id],
    "office": ["Vice-Chancellor"], "commitments": ["centre"],
}  # fmt: skip


def find(ror_id):
    return UNIVERSITY if ror_id == UNIVERSITY.id else None


def is_refused(domain):
    return domain == "throwaway.example"


def drafted(kind=Kind.PERSON, **different):
    values = (PERSON if kind == Kind.PERSON else REPRESENTATIVE) | different
    return check_with_address(kind, values, TEXT, find, is_refused)


def problems(kind=Kind.PERSON, **different):
    with pytest.raises(InvalidPledge) as refused:
        drafted(kind, **different)
    return refused.value.problems


def codes(kind=Kind.PERSON, **different):
    return {name: problem.code for name, problem in problems(kind, **different).items()}


def test_a_good_form_becomes_a_draft():
    draft, address = drafted()

    assert (draft.name, draft.country, draft.commitments, draft.disciplines) == (
        "Wanjiru Kamau", "KE", ["network"], ["1.5"],
    )  # fmt: skip
    assert (draft.listed, draft.role, draft.institution) == (True, None, None)
    assert address.original == "wanjiru@example.org"


def test_an_empty_form_is_told_everything_at_once_in_the_order_of_the_page():
    with pytest.raises(InvalidPledge) as refused:
        check_with_address(Kind.PERSON, {}, TEXT, find, is_refused)

    assert list(refused.value.problems) == [
        "name",
        "email",
        "affiliation",
        "role",
        "country",
        "listed",
    ]
    assert {problem.code for problem in refused.value.problems.values()} == {"required"}


@pytest.mark.parametrize(
    ("field", "limit"),
    [("name", 120), ("words", 500), ("office", 150), ("institution_text", 200), ("letter_1", 5000)],
)
def test_what_is_too_long_is_refused_with_the_limit(field, limit):
    kind = Kind.INSTITUTION if field in {"office", "letter_1"} else Kind.PERSON
    around = {"affiliation": ["unlisted"], "role": ["student"], "letter_locale_1": ["en"]}

    fits = drafted(kind, **around | {"institution_text": ["A School"]} | {field: ["a" * limit]})

    assert fits
    refused = problems(
        kind, **around | {"institution_text": ["A School"]} | {field: ["a" * (limit + 1)]}
    )
    assert refused == {field: FieldProblem("too-long", {"limit": limit})}


@pytest.mark.parametrize(
    "name",
    [
        "屠呦呦", "𠮷野家太郎", "👩🏽‍🔬 Ada", "محمّد بن موسى", "علی‌رضا", "चंद्रशेखर वेंकट रामन",
        "Ọláńrewájú Ṣẹ́gun", "D’Arcy O'Neil", "X Æ A-12", "李", "Jr., Martin Luther", "Prof.Dr.Müller",
        "\U00031350氏",
    ],
)  # fmt: skip
def test_names_of_all_scripts_and_planes_are_kept(name):
    assert drafted(name=[name])[0].name == name


@pytest.mark.parametrize(
    ("name", "kept"),
    [
        ("  Wanjiru \t Kamau \n", "Wanjiru Kamau"),
        ("Wan\x00jiru\x1b Kamau\x85", "Wanjiru Kamau"),
        ("\u202eWanjiru\u2066 Kamau\u200f", "Wanjiru Kamau"),
        ("Wan\u200bjiru Kamau\ufeff", "Wanjiru Kamau"),
        ("Wanjiru\ud800 Kamau", "Wanjiru Kamau"),
        ("Jose\u0301", "José"),
    ],
)
def test_what_nobody_sees_is_removed_from_a_name(name, kept):
    assert drafted(name=[name])[0].name == kept


@pytest.mark.parametrize("name", ["", "   ", "\u200b\u202e", "\u3164\u115f", "\u0301"])
def test_a_name_of_nothing_is_no_name(name):
    assert codes(name=[name]) == {"name": "required"}


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("Buy at https://spam.example", "contains-url"), ("www.spam.example", "contains-url"),
        ("Cheap pills pills.online", "contains-url"), ("ｈｔｔｐｓ://spam.example", "contains-url"),
        ("=HYPERLINK(1)", "formula"), ("+Kamau", "formula"), ("-2+3 Kamau", "formula"), ("@SUM(A1)", "formula"),
        ("＝SUM(A1)", "formula"), ("\u200b=SUM(A1)", "formula"), ("12345", "no-letters"), ("👩🏽‍🔬", "no-letters"),
    ],
)  # fmt: skip
def test_links_formulae_and_names_without_letters_are_refused(name, code):
    assert codes(name=[name]) == {"name": code}


@pytest.mark.parametrize(
    ("field", "around"),
    [("institution_text", {"affiliation": ["unlisted"], "role": ["student"]}), ("office", {})],
)
def test_other_public_lines_obey_the_rules_of_names(field, around):
    kind = Kind.INSTITUTION if field == "office" else Kind.PERSON

    for typed, code in (
        ("=1+1", "formula"),
        ("http://a.example", "contains-url"),
        ("42", "no-letters"),
    ):
        assert codes(kind, **around | {field: [typed]}) == {field: code}


@pytest.mark.parametrize(
    ("address", "code"),
    [
        ("", "required"), ("wanjiru", "address-syntax"), ("wanjiru@", "address-syntax"),
        ("@a.org", "address-syntax"), ("a@b@c.org", "address-syntax"), ("a b@example.org", "address-syntax"),
        ("wanjiru@localhost", "address-special-use"), ("w@example.test", "address-special-use"),
        (f"{'a' * 65}@example.org", "address-too-long"),
        (f"a@{'a.' * 130}org", "address-too-long"), ("wanjiru@example..org", "address-syntax"),
        ("a@example.org,b@example.org", "address-syntax"), ("a@example.org\nBcc: b@example.org", "address-syntax"),
    ],
)  # fmt: skip
def test_bad_addresses_are_refused(address, code):
    assert codes(email=[address]) == {"email": code}


@pytest.mark.parametrize(
    ("address", "domain"),
    [
        ("用户@例子.中国", "xn--fsqu00a.xn--fiqs8s"),
        ("josé@bücher.example.org", "xn--bcher-kva.example.org"),
    ],
)
def test_addresses_in_any_script_are_accepted(address, domain):
    found = drafted(email=[address])[1]

    assert (found.original, found.domain) == (address, domain)


@pytest.mark.parametrize(
    "ror_id", ["000000000", "nonsense", "\x00", "02y9nww90\x00", "' OR 1=1 --", "🏫" * 100]
)
def test_an_unknown_institution_is_refused(ror_id):
    assert codes(affiliation=["institution"], role=["student"], institution=[ror_id]) == {
        "institution": "unknown-institution"
    }


def test_an_institution_that_was_not_chosen_is_asked_for():
    assert codes(affiliation=["institution"], role=["student"]) == {"institution": "required"}
    assert codes(Kind.INSTITUTION, institution=[""]) == {"institution": "required"}


def test_only_what_belongs_to_the_chosen_affiliation_is_read():
    both = {"institution": [UNIVERSITY.id], "institution_text": ["A School"], "role": ["student"]}

    at_institution = drafted(affiliation=["institution"], **both)[0]
    unlisted = drafted(affiliation=["unlisted"], **both)[0]
    independent = drafted(affiliation=["independent"], **both)[0]

    assert (at_institution.institution, at_institution.institution_text) == (UNIVERSITY, None)
    assert (unlisted.institution, unlisted.institution_text) == (None, "A School")
    assert (independent.institution, independent.institution_text, independent.role) == (
        None,
        None,
        None,
    )


@pytest.mark.parametrize("country", ["XX", "KEN", "Kenya", "1", "\x00", "k\x00e", "🇰🇪", "ß", "ﬁ"])
def test_an_unknown_country_is_refused(country):
    assert codes(country=[country]) == {"country": "unknown-country"}


def test_a_country_in_small_letters_is_known():
    assert drafted(country=[" ke "])[0].country == "KE"


@pytest.mark.parametrize("discipline", ["1", "1.99", "biology", "", "\x00", "1.5'"])
def test_an_unknown_discipline_is_refused(discipline):
    assert codes(disciplines=["1.5", discipline]) == {"disciplines": "unknown-choice"}


def test_disciplines_are_optional_counted_once_and_limited():
    all_of_them = ["1.1", "1.2", "1.3", "1.4", "1.5", "1.6", "1.7", "2.1", "2.2"]

    assert drafted(disciplines=[])[0].disciplines == []
    assert drafted(disciplines=["1.5", "1.5"])[0].disciplines == ["1.5"]
    too_many = FieldProblem("too-many", {"limit": rules.MAX_DISCIPLINES})
    assert problems(disciplines=all_of_them) == {"disciplines": too_many}


@pytest.mark.parametrize("commitment", ["centre", "", "\x00", "network;drop"])
def test_an_unknown_commitment_is_refused(commitment):
    """Also one that is an institution's to make."""
    assert codes(commitments=["network", commitment]) == {"commitments": "unknown-choice"}


def test_commitments_are_kept_once_and_in_the_campaigns_order():
    assert drafted(commitments=["lectures", "network", "lectures"])[0].commitments == [
        "network",
        "lectures",
    ]
    assert drafted(commitments=[])[0].commitments == []


@pytest.mark.parametrize("field", ["affiliation", "role", "listed"])
@pytest.mark.parametrize("value", ["boss", "\x00", "NAME", "<script>"])
def test_answers_that_are_not_on_offer_are_refused(field, value):
    around = {"affiliation": ["unlisted"], "institution_text": ["A School"], "role": ["student"]}

    assert codes(**around | {field: [value]}) == {field: "choose"}


@pytest.mark.parametrize(
    "orcid", ["0000-0002-1825-0098", "1234", "0000-0002-1825-009Y", "\x00", "a" * 10_000]
)
def test_a_mistyped_orcid_is_refused(orcid):
    assert codes(orcid=[orcid]) == {"orcid": "orcid"}


@pytest.mark.parametrize(
    "typed", ["0000-0002-1825-0097", "https://orcid.org/0000-0002-1825-0097", "0000000218250097"]
)
def test_an_orcid_is_optional_and_kept_in_one_form(typed):
    assert drafted(orcid=[typed])[0].orcid == "0000-0002-1825-0097"
    assert drafted(orcid=[""])[0].orcid is None


def test_words_are_optional_keep_their_lines_and_advertise_nothing():
    assert drafted(words=["\r\n"])[0].words is None
    assert (
        drafted(words=["Keep it clean.\r\n\r\n\r\nFor you."])[0].words
        == "Keep it clean.\n\nFor you."
    )
    assert codes(words=["Buy at http://spam.example"]) == {"words": "contains-url"}


def test_of_a_field_sent_twice_the_first_counts():
    assert drafted(name=["Wanjiru Kamau", "Somebody Else"])[0].name == "Wanjiru Kamau"


def test_a_representative_speaks_from_the_country_of_their_institution_and_by_name():
    draft, _ = drafted(Kind.INSTITUTION, country=["FR"], listed=["anonymous"])

    assert (draft.country, draft.listed, draft.office) == ("KE", True, "Vice-Chancellor")


def test_a_person_cannot_tick_what_only_institutions_can():
    assert drafted(Kind.INSTITUTION)[0].commitments == ["centre"]
    assert codes(Kind.INSTITUTION, commitments=["network"]) == {"commitments": "unknown-choice"}


def test_letters_of_support_come_in_up_to_three_languages():
    written = {"en": "We support this.", "fr": "Nous soutenons ceci.", "ar": " "}
    fields = {}
    for number, (locale, letter) in enumerate(written.items(), start=1):
        fields |= {f"letter_locale_{number}": [locale], f"letter_{number}": [letter]}

    assert list(drafted(Kind.INSTITUTION, **fields)[0].support_letters) == ["en", "fr"]


@pytest.mark.parametrize("locale", ["", "xx", "EN", "\x00"])
def test_a_letter_of_support_needs_a_language_on_offer(locale):
    letters = {"letter_locale_1": [locale], "letter_1": ["We support this."]}

    assert codes(Kind.INSTITUTION, **letters) == {"letter_locale_1": "choose"}


def test_two_letters_in_one_language_are_not_silently_made_one():
    letters = {f"letter_locale_{n}": ["en"] for n in (1, 2)} | {
        f"letter_{n}": [f"Letter {n}."] for n in (1, 2)
    }

    assert codes(Kind.INSTITUTION, **letters) == {"letter_locale_2": "choose"}


def test_a_correction_needs_no_address():
    values = {name: value for name, value in PERSON.items() if name != "email"}

    assert check(Kind.PERSON, values, TEXT, find).name == "Wanjiru Kamau"


def test_a_form_with_nothing_but_an_address_is_checked_like_the_others():
    assert check_address({"email": [" wanjiru@example.org "]}).original == "wanjiru@example.org"
    with pytest.raises(InvalidPledge):
        check_address({"email": ["wanjiru"]})
    with pytest.raises(InvalidPledge):
        check_address({})


FIELDS = [
    *PERSON,
    *REPRESENTATIVE,
    "role",
    "orcid",
    "words",
    "institution_text",
    "letter_1",
    "letter_locale_1",
]


@given(
    st.sampled_from(Kind),
    st.dictionaries(st.sampled_from(FIELDS), st.lists(st.text(max_size=40), max_size=3)),
)
@effort(max_examples=80, deadline=None)
def test_whatever_is_sent_is_accepted_or_refused_and_nothing_worse(kind, different):
    with suppress(InvalidPledge):
        draft, _ = drafted(kind, **different)

        assert not set("\x00\n\u202e") & set(draft.name)
        assert len(draft.name) <= rules.NAME_LENGTH


def test_a_new_address_at_a_refused_domain_is_not_taken():
    assert codes(email=["w@throwaway.example"]) == {"email": "address-refused"}


def test_who_pledged_before_their_domain_was_refused_still_gets_on():
    assert check_address({"email": ["w@throwaway.example"]}).domain == "throwaway.example"
