"""Rows in Django's admin, to read and never to edit: live jobs are acted on in the dashboard."""

from __future__ import annotations

from django.contrib import admin
from django.db.models import Model, QuerySet
from django.http import HttpRequest
from django.utils import timezone

from .models import ApiToken, AttemptRecord, JobRecord, OperatorAction, OutboxEntry, RecorderCursor, ScheduleRecord


class ReadOnly(admin.ModelAdmin):
    """A list and a detail page; no total of a large table, no way to write."""

    show_full_result_count = False
    list_per_page = 50
    actions: list[str] | None = None

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False


class Runs(admin.TabularInline):
    model = AttemptRecord
    fields = ["attempt", "state", "claimed_at", "started_at", "finished_at", "worker", "error_type", "error_line"]
    extra = 0
    max_num = 0
    can_delete = False

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False


@admin.register(JobRecord)
class JobRecordAdmin(ReadOnly):
    list_display = ["job_id", "task", "queue", "state", "attempts", "updated_at", "error_type"]
    list_filter = ["state"]
    search_fields = ["=job_id", "=task"]
    search_help_text = "A job's id, or a task's name, whole."
    inlines = [Runs]


@admin.register(ScheduleRecord)
class ScheduleRecordAdmin(ReadOnly):
    list_display = ["key", "task", "queue", "cron", "timezone", "enabled", "origin", "updated_at"]
    list_filter = ["enabled", "origin"]


@admin.register(OperatorAction)
class OperatorActionAdmin(ReadOnly):
    list_display = ["created_at", "actor_name", "door", "verb", "target", "count", "applied", "status"]
    list_filter = ["verb", "status", "door"]
    search_fields = ["=target", "=operation", "=actor_name"]
    search_help_text = "A job's id, an operation, or who did it, whole."


@admin.register(ApiToken)
class ApiTokenAdmin(ReadOnly):
    list_display = ["name", "prefix", "scopes", "created_at", "expires_at", "last_used_at", "revoked_at"]
    exclude = ["digest"]


@admin.register(OutboxEntry)
class OutboxEntryAdmin(ReadOnly):
    list_display = ["id", "job_id", "task", "count", "created_at", "try_at", "tries", "refused_at", "error"]
    list_filter = [("refused_at", admin.EmptyFieldListFilter)]
    exclude = ["packed"]
    actions = ["try_again"]

    @admin.action(description="Send again what the store refused", permissions=["operate"])
    def try_again(self, request: HttpRequest, entries: QuerySet[OutboxEntry]) -> None:
        number = entries.filter(refused_at__isnull=False).update(refused_at=None, try_at=timezone.now())
        self.message_user(request, f"{number} will be sent again.")

    def has_operate_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("jobs_dashboard.operate_jobs")


@admin.register(RecorderCursor)
class RecorderCursorAdmin(ReadOnly):
    list_display = ["queue", "stream", "position", "moved_at", "gap_at", "store_id"]
