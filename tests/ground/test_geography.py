"""Countries and regions: complete, named in every language, sorted as readers expect."""

import re
import zipfile
from collections import Counter
from pathlib import Path

import pytest
from babel import Locale

from campaign import geography
from campaign.i18n import offered

LANGUAGES = offered()
REGISTRY = Path(__file__).parents[3] / "shared" / "data" / "ror-data-subset.zip"


def names(locale: str) -> list[str]:
    return [name for _, name in geography.sorted_countries(locale)]


def test_there_are_249_iso_countries_and_kosovo():
    assert len(geography.COUNTRIES) == 250
    assert geography.is_country("XK")


@pytest.mark.parametrize("code", ["EU", "UK", "ZZ", "QO", "CQ", "ke", "KEN", "", "001", "\x00"])
def test_what_is_no_country_is_refused(code):
    assert not geography.is_country(code)
    with pytest.raises(geography.UnknownCountry):
        geography.regions_of(code)
    with pytest.raises(geography.UnknownCountry):
        geography.country_name(code, "en")


@pytest.mark.parametrize("code", ["001", "003", "KE", "2", "", "999"])
def test_what_is_no_region_below_the_world_is_refused(code):
    assert not geography.is_region(code)
    with pytest.raises(geography.UnknownRegion):
        geography.region_name(code, "en")


@pytest.mark.parametrize(
    ("country", "regions"),
    [
        ("KE", ("002", "202", "014")),
        ("EG", ("002", "015")),
        ("BR", ("019", "419", "005")),
        ("MX", ("019", "419", "013")),
        ("US", ("019", "021")),
        ("TW", ("142", "030")),
        ("IR", ("142", "034")),
        ("CY", ("142", "145")),
        ("RU", ("150", "151")),
        ("XK", ("150", "039")),
        ("PF", ("009", "061")),
        ("AQ", ()),
    ],
)
def test_regions_go_from_wide_to_narrow(country, regions):
    assert geography.regions_of(country) == regions


def test_each_region_has_as_many_members_as_m49_lists():
    members = Counter(region for regions in geography.COUNTRIES.values() for region in regions)

    # Beside the UN's own list: Taiwan in 030 and 142, Kosovo in 039 and 150.
    assert [members[region] for region in ("002", "009", "019", "142", "150")] == [
        60,
        29,
        57,
        51,
        52,
    ]
    assert [members[region] for region in ("015", "202", "021", "419")] == [7, 53, 5, 52]
    assert [members[region] for region in ("011", "014", "017", "018")] == [17, 22, 9, 5]
    assert [members[region] for region in ("005", "013", "029")] == [16, 8, 28]
    assert [members[region] for region in ("030", "034", "035", "143", "145")] == [8, 9, 11, 5, 18]
    assert [members[region] for region in ("039", "151", "154", "155")] == [17, 10, 16, 9]
    assert [members[region] for region in ("053", "054", "057", "061")] == [6, 5, 8, 10]


@pytest.mark.parametrize("locale", LANGUAGES)
def test_every_country_and_region_has_a_name_of_its_own_language(locale):
    own = Locale.parse(locale, sep="-").territories
    for code in geography.COUNTRIES:
        assert geography.country_name(code, locale) == own[code]
    for code in geography.REGIONS:
        assert geography.region_name(code, locale) == own[code]


def test_a_language_that_names_no_country_shows_english():
    assert geography.country_name("KE", "hnj") == "Kenya"


@pytest.mark.parametrize("locale", LANGUAGES)
def test_the_sorted_list_holds_every_country_once(locale):
    codes = [code for code, _ in geography.sorted_countries(locale)]
    assert sorted(codes) == sorted(geography.COUNTRIES)


@pytest.mark.parametrize(
    ("locale", "expected"),
    [
        # accents do not send a country to the end
        ("en", ["Afghanistan", "Åland Islands", "Albania", "Cuba", "Curaçao", "Cyprus"]),
        ("fr", ["Égypte", "Émirats arabes unis", "Équateur", "Érythrée", "Espagne"]),
        ("pt", ["África do Sul", "Albânia", "Áustria", "Azerbaijão", "Bahamas"]),
        # й is a letter of its own in Russian, after и
        ("ru", ["Израиль", "Италия", "Йемен", "Кабо-Верде", "Япония"]),
        # pinyin: ā'ěrbāníyà, bājīsītǎn, bìlǔ, bīngdǎo … zhōngguó; code points would start with 不丹
        ("zh-Hans", ["阿尔巴尼亚", "巴基斯坦", "秘鲁", "不丹", "朝鲜", "中国"]),
        # hamza and madda carriers sort as alif
        (
            "ar",
            [
                "آيسلندا",
                "إثيوبيا",
                "أذربيجان",
                "الأرجنتين",
                "أيرلندا",
                "إيطاليا",
                "بابوا غينيا الجديدة",
            ],
        ),
        # پ ٹ چ ڈ گ stand in the middle of the Urdu alphabet, بھ after ب, ی at the end
        ("ur", ["انڈونیشیا", "آسٹریا", "بیلجیم", "بھارت", "پاکستان", "ٹوگو", "چین", "یمن"]),
        ("hi", ["अफ़गानिस्तान", "कनाडा", "चीन", "फ़्रांस", "भारत"]),
    ],
)
def test_countries_sort_as_a_reader_looks_them_up(locale, expected):
    places = [names(locale).index(name) for name in expected]
    assert places == sorted(places)


def test_every_country_code_of_the_registry_is_known():
    if not REGISTRY.exists():
        pytest.skip("the registry data stand in ../shared, which is not here")
    with zipfile.ZipFile(REGISTRY) as dump:
        text = dump.read(dump.namelist()[0])

    codes = {code.decode() for code in re.findall(rb'"country_code":\s*"([^"]*)"', text)}

    assert len(codes) == 221
    assert codes <= geography.COUNTRIES.keys()
