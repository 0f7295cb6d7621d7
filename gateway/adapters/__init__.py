"""Each provider has one adapter: a pure function from a request to its SMS, with the provider's authenticity check."""
