"""After a rebalance Faust takes lanes over, instead of recovering tables.

`transport.OVERRIDDEN` names the methods that are overridden here.
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
        # Without Tables Faust only seeks and resumes after a rebalance. The lanes are taken over first.
        if await self.app.engine.take_over():
            await super()._resume_streams(generation_id)


class LaneTables(TableManager):
    """A manager without a table, but with a changelog: because of the changelog Faust picks its co-partitioning
    assignor, and not round-robin."""

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
