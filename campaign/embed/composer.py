"""The page where anyone composes a widget for an institution, sees it, and copies the lines to paste."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from flask import Response, make_response, render_template, request, url_for
from markupsafe import Markup

from campaign import i18n
from campaign.campaigns.models import CampaignText
from campaign.campaigns.queries import current_text, list_all
from campaign.embed.frames import THEMES
from campaign.http.access import anyone
from campaign.http.forms import Form
from campaign.http.headers import CONTENT_SECURITY_POLICY
from campaign.http.locales import localized
from campaign.http.rate_limits import SEARCH_LIMIT, rate_limited
from campaign.http.sources import WIDGETS
from campaign.i18n import gettext
from campaign.institutions import queries as institutions
from campaign.institutions.models import Institution
from campaign.institutions.queries import name_in
from campaign.links import absolute_url

blueprint = localized("composer", __name__)

# Only to show the framed form as its readers will see it.
_POLICY = f"{CONTENT_SECURITY_POLICY}; frame-src 'self'"
PAPERS = ("a3", "a4")
# An example for the style sheet of a host, of every property that reaches into the widgets.
LOOK = """heart-of-science {
  --heart-accent: #7a0019;
  --heart-on-accent: #ffffff;
  --heart-background: #ffffff;
  --heart-text: #222222;
  --heart-radius: 0;
  --heart-width: 30em;
}"""


@dataclass(frozen=True)
class Composition:
    """What was chosen on the page."""

    institution: Institution
    text: CampaignText
    widget: str
    language: str
    theme: str

    @property
    def name(self) -> str:
        return name_in(self.institution, self.language)

    @property
    def element(self) -> Markup:
        """The custom element; its link is what readers without scripts get."""
        with i18n.in_language(self.language):
            words = gettext(
                "%(name)s: %(words)s",
                name=gettext("Make the pledge"),
                words=self.name,
            )
        theme = Markup(' theme="{}"').format(self.theme) if self.theme != THEMES[0] else ""
        return Markup(
            '<heart-of-science institution="{}" campaign="{}" widget="{}" lang="{}"{}>'
            '<a href="{}">{}</a></heart-of-science>'
        ).format(
            self.institution.id,
            self.text.campaign.slug,
            self.widget,
            self.language,
            theme,
            self.link,
            words,
        )

    @property
    def link(self) -> str:
        return self._address(
            "pledging.form",
            slug=self.text.campaign.slug,
            institution=self.institution.id,
            via=self.widget,
        )

    @property
    def snippet(self) -> str:
        loader = Markup('<script async src="{}"></script>').format(absolute_url("embed.loader"))
        return f"{loader}\n{self.element}"

    @property
    def frame(self) -> str:
        """The form without our script. The referrer tells the frame on whose page it is."""
        address = self._address(
            "frames.form",
            institution=self.institution.id,
            campaign=self.text.campaign.slug,
            theme=self.theme if self.theme != THEMES[0] else None,
        )
        return Markup(
            '<iframe src="{}" title="{}" width="100%" height="1200" loading="lazy"'
            ' referrerpolicy="origin"></iframe>'
        ).format(address, self.text.title)

    @property
    def badge(self) -> str:
        values = {
            "ror_id": self.institution.id,
            "lang": self.language,
            "campaign": self.text.campaign.slug,
        }
        picture = Markup('<img src="{}" alt="{}">').format(
            absolute_url("embed.badge", **values), self.text.title
        )
        link = self._address(
            "pledging.form",
            slug=self.text.campaign.slug,
            institution=self.institution.id,
            via="badge",
        )
        return Markup('<a href="{}">{}</a>').format(link, picture)

    @property
    def posters(self) -> list[tuple[str, str]]:
        """Size of the paper and address of the poster in the chosen language."""
        values: dict[str, Any] = {
            "subject": self.institution.id,
            "campaign": self.text.campaign.slug,
        }
        return [
            (size.upper(), url_for("posters.poster", locale=self.language, size=size, **values))
            for size in PAPERS
        ]

    def _address(self, endpoint: str, **values: Any) -> str:
        return absolute_url(endpoint, locale=self.language, **values)


@blueprint.get("/embed/")
@anyone
@rate_limited(SEARCH_LIMIT)
def compose() -> Response:
    form = Form(request.args.to_dict(flat=False))
    chosen = institutions.resolve(form.value("institution"))
    query = form.value("institution_query")[:200]
    searches = query and (not chosen or form.value("action") == "find")
    matches = institutions.search(query, locale=i18n.current()) if searches else []
    chosen = None if matches else chosen
    answer = make_response(
        render_template(
            "embed/compose.html",
            form=form,
            look=LOOK,
            chosen=chosen,
            matches=matches,
            texts=list(_texts()),
            composition=_composition(form, chosen) if chosen else None,
        )
    )
    answer.headers["Content-Security-Policy"] = _POLICY
    return answer


def _texts() -> Iterator[CampaignText]:
    for campaign in list_all():
        if text := current_text(campaign.slug, i18n.current()):
            yield text


def _composition(form: Form, institution: Institution) -> Composition:
    """Whatever is not on offer becomes the first of what is."""
    texts = {text.campaign.slug: text for text in _texts()}
    language = form.value("language")
    language = language if i18n.is_offered(language) else i18n.current()
    slug = form.value("campaign")
    text = current_text(slug if slug in texts else next(iter(texts)), language)
    assert text is not None, "what is published in one language falls back to English in all"
    return Composition(
        institution=institution,
        text=text,
        widget=_one_of(form.value("widget"), ("card", *WIDGETS)),
        language=language,
        theme=_one_of(form.value("theme"), THEMES),
    )


def _one_of(value: str, offered: tuple[str, ...]) -> str:
    return value if value in offered else offered[0]
