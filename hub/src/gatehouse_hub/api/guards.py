"""stub"""


class Guards: ...
