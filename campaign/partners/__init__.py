"""Partners: origins that may frame the form, keys of the write API, webhooks."""
