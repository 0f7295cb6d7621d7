"""The commands on a gateway's outage (rule 15). Every lane gets them; the incident may be open in some lanes alone."""

from msgspec.structs import replace

from models.contract.alerts import Change
from models.contract.command import CommandType, IncidentCommand
from models.contract.effects import CommandRefused, Effect, IncidentRevised, RefusalReason
from models.judgement.lane import LaneState
from models.judgement.rules.commands import CHANGES, digest


def obey(lane: LaneState, command: IncidentCommand) -> list[Effect]:
    """Obey a command, unless its id is among the last 64 of the gateway. A command that does nothing is answered."""
    if not lane.times.take_command(command.gateway, digest(command.id)):
        return []
    incident = lane.incident(command.alert)
    if incident is None or incident.gateway != command.gateway:
        return [CommandRefused(command, RefusalReason.NOT_OPEN, lane.number)]
    changed, change = replace(incident, revision=incident.revision + 1), CHANGES[command.type]
    if change is Change.ACKNOWLEDGED:
        if incident.acknowledged_by is not None:
            return [] if incident.acknowledged_by == command.by else [
                CommandRefused(command, RefusalReason.ALREADY_ACKNOWLEDGED, lane.number)]
        changed = replace(changed, acknowledged_by=command.by)
    elif command.type is CommandType.ASSIGN:
        changed = replace(changed, assignee=command.assignee)
    lane.put_incident(changed)
    return [IncidentRevised(changed, change, lane.number, command.at, command)]
