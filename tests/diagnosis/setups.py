"""All set-ups, broken and well, in the order of a login's way.

It must never leave out one that is hard to tell: those are what it is for.
"""

from typing import Final

from tests.diagnosis.at_the_door import AT_THE_DOOR
from tests.diagnosis.between_services import CLOCK, CONTRACT, CREDENTIALS
from tests.diagnosis.of_configuration import CONFIGURATION
from tests.diagnosis.of_people import LOGINS, ORIGINS
from tests.diagnosis.of_several import SEVERAL
from tests.diagnosis.of_tokens import TOKENS
from tests.diagnosis.on_the_way import ON_THE_WAY
from tests.diagnosis.well import WELL

SETUPS: Final = (
    *CONFIGURATION, *ON_THE_WAY, *AT_THE_DOOR, *CREDENTIALS, *CONTRACT, *CLOCK, *TOKENS, *ORIGINS, *LOGINS, *SEVERAL,
    *WELL,
)  # fmt: skip
BY_NAME: Final = {setup.name: setup for setup in SETUPS}
