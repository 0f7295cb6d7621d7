"""One adapter a provider: a pure function from a request to its SMS, with the provider's own authenticity check."""
