"""WHAT WE REMEMBER (SQLAlchemy): singular nouns. Importing the package knows every table.

`select`, `update`, `func`, `Session` ... are offered here to commands and flows: sqlalchemy lives in this folder.
"""

from sqlalchemy import and_, delete, func, or_, select, update
from sqlalchemy.exc import IntegrityError, OperationalError
from sqlalchemy.orm import Session

from paas.model.app import App, BranchTag, Formation
from paas.model.base import Base, Database
from paas.model.config import ConfigChange, ConfigVariable
from paas.model.domain import Domain, GlobalSetting
from paas.model.event import Event
from paas.model.job import Job, JobStep
from paas.model.process import Address, Process, RestingSubnet
from paas.model.release import Image, Release, Source
from paas.model.ticket import Ticket
from paas.model.user import ApiToken, Grant, LoginFailure, SshKey, User, WebSession

__all__ = [
    "Address", "ApiToken", "App", "Base", "BranchTag", "ConfigChange", "ConfigVariable", "Database", "Domain", "Event",
    "Formation", "GlobalSetting", "Grant", "Image", "IntegrityError", "Job", "JobStep", "LoginFailure",
    "OperationalError", "Process", "Release", "RestingSubnet", "Session", "Source", "SshKey", "Ticket", "User",
    "WebSession",
    "and_", "delete", "func", "or_", "select", "update",
]  # fmt: skip
