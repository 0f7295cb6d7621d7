"""One adapter a provider: a pure function from the request to the SMS in it, with the provider's own authenticity check."""
