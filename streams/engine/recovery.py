"""What Faust does after a rebalance: it takes lanes over, where it would recover tables.

`transport.OVERRIDDEN` names what is overridden here.
"""

from faust.tables.manager import TableManager
from faust.tables.recovery import Recovery
from faust.types import TP


class LaneRecovery(Recovery):
    async def on_rebalance(self, assigned: set[TP], revoked: set[TP], newly_assigned: set[TP],
                           generation_id: int = 0) -> None:
        self.app.engine.assigned(assigned, generation_id)
        await super().on_rebalance(assigned, revoked, newly_assigned, generation_id)

    async def _resume_streams(self, generation_id: int = 0) -> None:
        # Without Tables this is all that Faust does after a rebalance: seek and resume. First the lanes.
        if await self.app.engine.take_over():
            await super()._resume_streams(generation_id)


class LaneTables(TableManager):
    """No table, but a changelog: because of it Faust picks its co-partitioning assignor, and not round-robin."""

    _recovery: Recovery | None

    @property
    def recovery(self) -> Recovery:
        if self._recovery is None:
            self._recovery = LaneRecovery(self.app, self, beacon=self.beacon, loop=self.loop)
        return self._recovery

    @property
    def changelog_topics(self) -> set[str]:
        return {self.app.engine.changelog}

    async def on_stop(self) -> None:
        await super().on_stop()
        await self.app.engine.close()
