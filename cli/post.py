"""Posts to a gateway as its SMS provider does: signed, with retries while the gateway answers 503."""

import asyncio
from collections.abc import Callable

import click
import httpx

from gateway.adapters.generic import TOLERANCE_S, signed
from runtime.settings import Settings


async def post(http: httpx.AsyncClient, address: str, body: bytes, settings: Settings,
               now: Callable[[], float]) -> None:
    """Post one SMS to the generic adapter. Raises ClickException if it is rejected for good, or no gateway answers."""
    if not settings.gateway_secret:
        raise click.UsageError("ANBU_GATEWAY_SECRET is not set: the gateway accepts only signed requests")
    while True:
        signed_at = now()
        try:
            answer = await http.post(f"{address.rstrip('/')}/v1/sms", content=body,
                                     headers=signed(settings.gateway_secret, signed_at, body))
        except (httpx.TransportError, httpx.InvalidURL) as error:
            raise click.ClickException(f"no gateway answers at {address}: {error}") from None
        if answer.status_code == httpx.codes.ACCEPTED:
            return
        if answer.status_code == httpx.codes.UNAUTHORIZED and now() - signed_at > TOLERANCE_S:
            continue  # the request took long: minutes of virtual time pass quickly
        if answer.status_code != httpx.codes.SERVICE_UNAVAILABLE:
            raise click.ClickException(f"the gateway answers {answer.status_code}: {answer.text}")
        await asyncio.sleep(float(answer.headers.get("Retry-After", 1)))
