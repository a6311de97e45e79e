"""Which requirement is bound where, and proven by what: docs/requirements.md, generated from what the sources say."""
