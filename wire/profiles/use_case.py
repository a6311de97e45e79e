"""The tariff use cases and the purposes of access, by the names that documents spell (TR-03109-1, TAF 1 to 14)."""

from enum import StrEnum


class UseCase(StrEnum):
    """Tariff use cases (Tarifanwendungsfall, TAF) that the gateway computes."""

    TAF_1 = "TAF-1"
    """Data-sparing: one sum per billing period."""
    TAF_2 = "TAF-2"
    """Time-variable: one register a stage, a total and an error register."""
    TAF_3 = "TAF-3"
    """Load-variable: stages by power."""
    TAF_4 = "TAF-4"
    """Consumption-variable: stages by blocks of energy."""
    TAF_5 = "TAF-5"
    """Event-variable: stages by events."""
    TAF_6 = "TAF-6"
    """Daily values on request in justified cases."""
    TAF_7 = "TAF-7"
    """Series of meter readings."""
    TAF_8 = "TAF-8"
    """Extremes of power in a billing period."""
    TAF_9 = "TAF-9"
    """Present feed-in on request."""
    TAF_10 = "TAF-10"
    """Grid status, at a raster or past a threshold."""
    TAF_11 = "TAF-11"
    """Time and reading at each control of a load or generator."""
    TAF_12 = "TAF-12"
    """Prepaid energy."""
    TAF_13 = "TAF-13"
    """Values of another evaluation profile, for visualisation."""
    TAF_14 = "TAF-14"
    """Values at a high frequency for added-value services."""


class AccessPurpose(StrEnum):
    """What a party may use a value for (Verwendungszweck, after MsbG part 3)."""

    GRID_OPERATION = "grid-operation"
    BILLING = "billing"
    VALUE_ADDED = "value-added"
