"""Certificates: time to typeset one, warm, in all ten languages. Target: at most 15 ms each.

Every certificate has another name, institution and number, so that none comes from what was laid out before.
Measured is the processor's time of all threads: a certificate waits for nothing, and whatever else runs on the
machine would only add to the clock.
"""

import itertools
import time
import tomllib
from collections.abc import Mapping
from itertools import product
from statistics import median
from typing import Any

from campaign import i18n, typesetting
from campaign.paths import TRANSLATIONS
from campaign.qr import qr_svg

TARGET = 0.015
TURNS, WARM_UP, MEASURED = 6, 2, 5
COMMITMENTS = 4  # what people tick; the campaign offers eight

# A name, an institution and a country as they are written there, with what is rare in the script.
PEOPLE = {
    "en": ("Prof. Siobhán Ní Bhriain", "University of Galway", "Ireland"),
    "fr": ("Dr Gaëlle Œuvrard", "Université de Yaoundé", "Cameroun"),
    "es": ("Dra. Begoña Núñez Ibáñez", "Universidad de Concepción", "Chile"),
    "pt": ("Prof. João Conceição", "Universidade Eduardo Mondlane", "Moçambique"),
    "sw": ("Prof. Wanjirũ wa Mũthoni", "Chuo Kikuu cha Nairobi", "Kenya"),
    "ru": ("Проф. Алёна Щукина", "Новосибирский университет", "Россия"),
    "ar": ("د. ليلى بنت عبد الرحمن", "جامعة القاهرة", "مصر"),
    "ur": ("ڈاکٹر ٹیپو سلطان ڑے", "جامعہ پنجاب", "پاکستان"),
    "hi": ("डॉ॰ क्षितिज श्रीवास्तव", "दिल्ली विश्वविद्यालय", "भारत"),
    "zh-Hans": ("𠮷䶮㐂", "海南大学", "中国"),
}


def main() -> None:
    times = _measure()
    for lang, seconds in times.items():
        middle, best = median(seconds), min(seconds)
        print(f"{lang:8} median {middle * 1000:5.1f} ms  best {best * 1000:5.1f} ms")
    worst, lang = max((median(seconds), lang) for lang, seconds in times.items())
    verdict = "met" if worst <= TARGET else "MISSED"
    print(f"worst: {lang}, {worst * 1000:.1f} ms; target {TARGET * 1000:.0f} ms: {verdict}")


def _measure() -> dict[str, list[float]]:
    """Seconds of the processor by language; in turns, so that a machine's bad moment does not meet one of them."""
    times: dict[str, list[float]] = {lang: [] for lang in sorted(i18n.offered())}
    for turn, lang in product(range(TURNS), times):
        numbers = range(turn * (WARM_UP + MEASURED), (turn + 1) * (WARM_UP + MEASURED))
        seconds = [_seconds(_certificate(lang, number)) for number in numbers]
        times[lang] += seconds[WARM_UP:]
    return times


def _seconds(data: Mapping[str, Any]) -> float:
    started = time.process_time()
    typesetting.pdf("certificate.typ", data)
    return time.process_time() - started


def _certificate(lang: str, number: int) -> dict[str, Any]:
    text = _campaign(lang)
    name, institution, country = PEOPLE[lang]
    code = f"7K3M-QX9T-2BVW-{number:04}"
    url = f"https://lightup.example.org/{lang}/verify/{code}/"
    offered = itertools.cycle(text["commitments"].values())
    return {
        "lang": lang,
        "title": text["theme"],  # about as long as the words above a certificate
        "site": text["title"],
        "name": f"{name} {number}",
        "affiliation": [f"{institution} {number}", country],
        "represented": None,
        "campaign": {"lang": lang, "title": text["title"], "theme": text["theme"]},
        "commitments": list(itertools.islice(offered, number % 8, number % 8 + COMMITMENTS)),
        "commitments_label": text["title"],
        "confirmed": f"{text['title']} {number}",
        "check": text["title"],
        "number": code,
        "url": url,
        "url_shown": f"lightup.example.org/{lang}/verify/",
        "qr": qr_svg(url),
        "qr_alt": "QR",
    }


def _campaign(lang: str) -> dict[str, Any]:
    path = TRANSLATIONS / f"campaigns/heart-of-science/{lang}.toml"
    return tomllib.loads(path.read_text("utf-8"))


if __name__ == "__main__":
    main()
