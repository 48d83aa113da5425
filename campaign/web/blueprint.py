"""The blueprint ``web``: the pages around the campaigns, to which several modules add their views.

``campaign.web.PARTS`` lists those modules, since a view exists only once its module is imported.
"""

from campaign.http.locales import localized

blueprint = localized("web", __name__)
