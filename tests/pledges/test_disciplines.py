"""Disciplines: the OECD list is complete and numbered as its source numbers it."""

import pytest
from flask import Flask
from flask_babel import Babel, force_locale

from campaign.pledges.disciplines import BROAD_FIELDS, FIELDS, is_field


def english(name):
    app = Flask(__name__)
    Babel(app)
    with app.app_context(), force_locale("en"):
        return str(name)


def test_there_are_6_broad_fields_and_42_below_them():
    assert [broad.code for broad in BROAD_FIELDS] == ["1", "2", "3", "4", "5", "6"]
    assert [len(broad.fields) for broad in BROAD_FIELDS] == [7, 11, 5, 5, 9, 5]
    assert len(FIELDS) == 42


@pytest.mark.parametrize(
    ("code", "name"),
    [
        ("1.1", "Mathematics"),
        ("1.5", "Earth and related environmental sciences"),
        ("1.7", "Other natural sciences"),
        ("2.7", "Environmental engineering"),
        ("2.10", "Nanotechnology"),
        ("2.11", "Other engineering and technologies"),
        ("3.3", "Health sciences"),
        ("4.1", "Agriculture, forestry and fisheries"),
        ("5.7", "Social and economic geography"),
        ("6.1", "History and archaeology"),
        ("6.5", "Other humanities"),
    ],
)
def test_codes_name_what_the_source_says(code, name):
    assert english(FIELDS[code].name) == name


def test_no_two_fields_share_a_name():
    names = [field.name for field in FIELDS.values()] + [broad.name for broad in BROAD_FIELDS]
    assert len({english(name) for name in names}) == 48


@pytest.mark.parametrize("code", ["1", "1.0", "1.8", "2.12", "7.1", "01.1", "1.1 ", ""])
def test_what_the_list_does_not_hold_is_no_field(code):
    assert not is_field(code)
    assert is_field("1.1")
