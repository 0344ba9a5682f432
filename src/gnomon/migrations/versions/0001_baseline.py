"""Every table as of the first version, and the triggers that keep the audit trail append-only."""

import sqlalchemy as sa
from alembic import op

from gnomon.control.audit.tables import append_only, append_only_off
from gnomon.kit.db import UtcDateTime

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "access_ban",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("value", sa.String(), nullable=False),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("source", sa.String(), nullable=False),
        sa.Column("facts", sa.JSON(), nullable=False),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.Column("until", UtcDateTime(), nullable=False),
        sa.Column("lifted_at", UtcDateTime(), nullable=True),
        sa.Column("lifted_by", sa.String(), nullable=False),
        sa.Column("lift_reason", sa.String(), nullable=False),
        sa.Column("confirmed_by", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_access_ban")),
    )
    with op.batch_alter_table("access_ban", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_access_ban_value"), ["value"], unique=False)

    op.create_table(
        "access_key",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("sha256", sa.String(), nullable=False),
        sa.Column("caller", sa.String(), nullable=False),
        sa.Column("team", sa.String(), nullable=False),
        sa.Column("models", sa.JSON(), nullable=False),
        sa.Column("scopes", sa.JSON(), nullable=False),
        sa.Column("expires_at", UtcDateTime(), nullable=True),
        sa.Column("requests_per_minute", sa.Integer(), nullable=False),
        sa.Column("concurrency", sa.Integer(), nullable=False),
        sa.Column("revoked_at", UtcDateTime(), nullable=True),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("created_by", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_access_key")),
    )
    op.create_table(
        "approvals_request",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("subject_id", sa.String(), nullable=False),
        sa.Column("title", sa.String(), nullable=False),
        sa.Column("content", sa.JSON(), nullable=False),
        sa.Column("content_sha256", sa.String(), nullable=False),
        sa.Column("quorum", sa.JSON(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("lapses_at", UtcDateTime(), nullable=False),
        sa.Column("author_id", sa.String(), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("decided_at", UtcDateTime(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_approvals_request")),
    )
    with op.batch_alter_table("approvals_request", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_approvals_request_kind"), ["kind"], unique=False)
        batch_op.create_index(batch_op.f("ix_approvals_request_state"), ["state"], unique=False)
        batch_op.create_index(batch_op.f("ix_approvals_request_subject_id"), ["subject_id"], unique=False)

    op.create_table(
        "approvals_vote",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("request_id", sa.String(), nullable=False),
        sa.Column("person_id", sa.String(), nullable=False),
        sa.Column("posts", sa.JSON(), nullable=False),
        sa.Column("approve", sa.Boolean(), nullable=False),
        sa.Column("comment", sa.String(), nullable=False),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_approvals_vote")),
        sa.UniqueConstraint("request_id", "person_id", name=op.f("uq_approvals_vote_request_id")),
    )
    with op.batch_alter_table("approvals_vote", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_approvals_vote_request_id"), ["request_id"], unique=False)

    op.create_table(
        "audit_checkpoint",
        sa.Column("seq", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("sha256", sa.String(), nullable=False),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.Column("key_id", sa.String(), nullable=False),
        sa.Column("signature", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("seq", name=op.f("pk_audit_checkpoint")),
    )
    op.create_table(
        "audit_entry",
        sa.Column("id", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.Column("actor_id", sa.String(), nullable=False),
        sa.Column("actor_name", sa.String(), nullable=False),
        sa.Column("actor_kind", sa.String(), nullable=False),
        sa.Column("address", sa.String(), nullable=False),
        sa.Column("sign_in", sa.String(), nullable=False),
        sa.Column("permission", sa.String(), nullable=False),
        sa.Column("outcome", sa.String(), nullable=False),
        sa.Column("object_kind", sa.String(), nullable=False),
        sa.Column("object_id", sa.String(), nullable=False),
        sa.Column("facts", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_audit_entry")),
    )
    with op.batch_alter_table("audit_entry", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_audit_entry_actor_id"), ["actor_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_audit_entry_at"), ["at"], unique=False)
        batch_op.create_index(batch_op.f("ix_audit_entry_object_id"), ["object_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_audit_entry_permission"), ["permission"], unique=False)

    op.create_table(
        "audit_seal",
        sa.Column("seq", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("entry_id", sa.Integer(), nullable=False),
        sa.Column("prev", sa.String(), nullable=False),
        sa.Column("sha256", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("seq", name=op.f("pk_audit_seal")),
        sa.UniqueConstraint("entry_id", name=op.f("uq_audit_seal_entry_id")),
    )
    op.create_table(
        "catalog_dataset_version",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("label", sa.String(), nullable=False),
        sa.Column("n", sa.Integer(), nullable=False),
        sa.Column("sha256", sa.String(), nullable=False),
        sa.Column("source", sa.String(), nullable=False),
        sa.Column("licence", sa.String(), nullable=False),
        sa.Column("purpose", sa.String(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("checks", sa.JSON(), nullable=False),
        sa.Column("evidence_id", sa.String(), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("created_by", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_catalog_dataset_version")),
        sa.UniqueConstraint("name", "label", name=op.f("uq_catalog_dataset_version_name")),
    )
    with op.batch_alter_table("catalog_dataset_version", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_catalog_dataset_version_name"), ["name"], unique=False)

    op.create_table(
        "catalog_model",
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("title", sa.String(), nullable=False),
        sa.Column("task", sa.String(), nullable=False),
        sa.Column("stage", sa.String(), nullable=False),
        sa.Column("owner_id", sa.String(), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_catalog_model")),
    )
    op.create_table(
        "catalog_model_version",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("model", sa.String(), nullable=False),
        sa.Column("label", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("base_id", sa.String(), nullable=True),
        sa.Column("files", sa.JSON(), nullable=False),
        sa.Column("sha256", sa.String(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("source", sa.String(), nullable=False),
        sa.Column("licence", sa.String(), nullable=False),
        sa.Column("lineage", sa.JSON(), nullable=False),
        sa.Column("report", sa.JSON(), nullable=False),
        sa.Column("evidence_id", sa.String(), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("created_by", sa.String(), nullable=False),
        sa.Column("checked_at", UtcDateTime(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_catalog_model_version")),
        sa.UniqueConstraint("model", "label", name=op.f("uq_catalog_model_version_model")),
    )
    with op.batch_alter_table("catalog_model_version", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_catalog_model_version_model"), ["model"], unique=False)
        batch_op.create_index(batch_op.f("ix_catalog_model_version_state"), ["state"], unique=False)

    op.create_table(
        "deployments_candidate",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("model", sa.String(), nullable=False),
        sa.Column("version_id", sa.String(), nullable=False),
        sa.Column("deployment_id", sa.String(), nullable=False),
        sa.Column("target_id", sa.String(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("steps", sa.JSON(), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("created_by", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_deployments_candidate")),
        sa.UniqueConstraint("version_id", name=op.f("uq_deployments_candidate_version_id")),
    )
    with op.batch_alter_table("deployments_candidate", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_deployments_candidate_model"), ["model"], unique=False)

    op.create_table(
        "deployments_deployment",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("number", sa.String(), nullable=False),
        sa.Column("title", sa.String(), nullable=False),
        sa.Column("model", sa.String(), nullable=False),
        sa.Column("version_id", sa.String(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("mask_policy", sa.String(), nullable=False),
        sa.Column("requirements", sa.JSON(), nullable=False),
        sa.Column("requirements_state", sa.String(), nullable=False),
        sa.Column("environment", sa.JSON(), nullable=False),
        sa.Column("probe", sa.JSON(), nullable=False),
        sa.Column("plan", sa.JSON(), nullable=False),
        sa.Column("tests", sa.JSON(), nullable=False),
        sa.Column("tested_sha256", sa.String(), nullable=False),
        sa.Column("server", sa.JSON(), nullable=False),
        sa.Column("target_id", sa.String(), nullable=False),
        sa.Column("author_id", sa.String(), nullable=False),
        sa.Column("executor_id", sa.String(), nullable=False),
        sa.Column("steps", sa.JSON(), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_deployments_deployment")),
        sa.UniqueConstraint("number", name=op.f("uq_deployments_deployment_number")),
    )
    with op.batch_alter_table("deployments_deployment", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_deployments_deployment_model"), ["model"], unique=False)
        batch_op.create_index(batch_op.f("ix_deployments_deployment_state"), ["state"], unique=False)

    op.create_table(
        "deployments_release",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("model", sa.String(), nullable=False),
        sa.Column("from_target", sa.String(), nullable=False),
        sa.Column("to_target", sa.String(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("share", sa.Double(), nullable=False),
        sa.Column("watch_s", sa.Double(), nullable=False),
        sa.Column("min_requests", sa.Integer(), nullable=False),
        sa.Column("rules", sa.JSON(), nullable=False),
        sa.Column("evidence_id", sa.String(), nullable=False),
        sa.Column("content", sa.JSON(), nullable=False),
        sa.Column("timings", sa.JSON(), nullable=False),
        sa.Column("requested_by", sa.String(), nullable=False),
        sa.Column("requested_at", UtcDateTime(), nullable=False),
        sa.Column("canary_at", UtcDateTime(), nullable=True),
        sa.Column("watch_until", UtcDateTime(), nullable=True),
        sa.Column("full_at", UtcDateTime(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_deployments_release")),
    )
    with op.batch_alter_table("deployments_release", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_deployments_release_model"), ["model"], unique=False)
        batch_op.create_index(batch_op.f("ix_deployments_release_state"), ["state"], unique=False)

    op.create_table(
        "deployments_route",
        sa.Column("model", sa.String(), nullable=False),
        sa.Column("mask_policy", sa.String(), nullable=False),
        sa.Column("targets", sa.JSON(), nullable=False),
        sa.Column("canary", sa.JSON(), nullable=True),
        sa.Column("timeout_s", sa.Double(), nullable=False),
        sa.Column("changed_at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("model", name=op.f("pk_deployments_route")),
    )
    op.create_table(
        "evaluation_answer",
        sa.Column("run_id", sa.String(), nullable=False),
        sa.Column("item_id", sa.String(), nullable=False),
        sa.Column("expected", sa.String(), nullable=False),
        sa.Column("predicted", sa.String(), nullable=True),
        sa.Column("scores", sa.JSON(none_as_null=True), nullable=True),
        sa.Column("outcome", sa.String(), nullable=False),
        sa.Column("latency_ms", sa.Double(), nullable=True),
        sa.Column("request_id", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("run_id", "item_id", name=op.f("pk_evaluation_answer")),
    )
    op.create_table(
        "evaluation_comparison",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("before_run", sa.String(), nullable=False),
        sa.Column("after_run", sa.String(), nullable=False),
        sa.Column("goal", sa.JSON(), nullable=False),
        sa.Column("guards", sa.JSON(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("goal_state", sa.String(), nullable=False),
        sa.Column("result", sa.JSON(), nullable=False),
        sa.Column("evidence_id", sa.String(), nullable=False),
        sa.Column("made_by", sa.String(), nullable=False),
        sa.Column("made_at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_evaluation_comparison")),
    )
    with op.batch_alter_table("evaluation_comparison", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_evaluation_comparison_after_run"), ["after_run"], unique=False)
        batch_op.create_index(batch_op.f("ix_evaluation_comparison_before_run"), ["before_run"], unique=False)

    op.create_table(
        "evaluation_look",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("suite_id", sa.String(), nullable=False),
        sa.Column("purpose", sa.String(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("openings", sa.Integer(), nullable=False),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_evaluation_look")),
    )
    with op.batch_alter_table("evaluation_look", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_evaluation_look_suite_id"), ["suite_id"], unique=False)

    op.create_table(
        "evaluation_run",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("suite_id", sa.String(), nullable=False),
        sa.Column("suite_sha256", sa.String(), nullable=False),
        sa.Column("model", sa.String(), nullable=False),
        sa.Column("target_id", sa.String(), nullable=False),
        sa.Column("version_id", sa.String(), nullable=False),
        sa.Column("recipe", sa.JSON(), nullable=False),
        sa.Column("decoding", sa.JSON(), nullable=False),
        sa.Column("environment", sa.JSON(), nullable=False),
        sa.Column("purpose", sa.String(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("n", sa.Integer(), nullable=False),
        sa.Column("n_done", sa.Integer(), nullable=False),
        sa.Column("scores", sa.JSON(), nullable=False),
        sa.Column("slices", sa.JSON(), nullable=False),
        sa.Column("resources", sa.JSON(), nullable=False),
        sa.Column("answers_sha256", sa.String(), nullable=False),
        sa.Column("evidence_ids", sa.JSON(), nullable=False),
        sa.Column("error", sa.String(), nullable=False),
        sa.Column("job_id", sa.String(), nullable=False),
        sa.Column("requested_by", sa.String(), nullable=False),
        sa.Column("requested_at", UtcDateTime(), nullable=False),
        sa.Column("started_at", UtcDateTime(), nullable=True),
        sa.Column("finished_at", UtcDateTime(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_evaluation_run")),
    )
    with op.batch_alter_table("evaluation_run", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_evaluation_run_model"), ["model"], unique=False)
        batch_op.create_index(batch_op.f("ix_evaluation_run_state"), ["state"], unique=False)
        batch_op.create_index(batch_op.f("ix_evaluation_run_suite_id"), ["suite_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_evaluation_run_version_id"), ["version_id"], unique=False)

    op.create_table(
        "evaluation_suite",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("purpose", sa.String(), nullable=False),
        sa.Column("sha256", sa.String(), nullable=False),
        sa.Column("n", sa.Integer(), nullable=False),
        sa.Column("labels", sa.JSON(), nullable=False),
        sa.Column("label_counts", sa.JSON(), nullable=False),
        sa.Column("positive", sa.String(), nullable=False),
        sa.Column("recipe", sa.JSON(), nullable=False),
        sa.Column("source", sa.String(), nullable=False),
        sa.Column("licence", sa.String(), nullable=False),
        sa.Column("sealed", sa.Boolean(), nullable=False),
        sa.Column("blob_sha256", sa.String(), nullable=False),
        sa.Column("wrapped_key", sa.String(), nullable=False),
        sa.Column("features", sa.JSON(), nullable=False),
        sa.Column("text_hashes", sa.JSON(), nullable=False),
        sa.Column("looks", sa.Integer(), nullable=False),
        sa.Column("made_by", sa.String(), nullable=False),
        sa.Column("made_at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_evaluation_suite")),
        sa.UniqueConstraint("name", name=op.f("uq_evaluation_suite_name")),
    )
    with op.batch_alter_table("evaluation_suite", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_evaluation_suite_sha256"), ["sha256"], unique=False)

    op.create_table(
        "evidence_artefact",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("source", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("subject_kind", sa.String(), nullable=False),
        sa.Column("subject_id", sa.String(), nullable=False),
        sa.Column("facts", sa.JSON(), nullable=False),
        sa.Column("file_sha256", sa.String(), nullable=False),
        sa.Column("file_name", sa.String(), nullable=False),
        sa.Column("sha256", sa.String(), nullable=False),
        sa.Column("made_at", UtcDateTime(), nullable=False),
        sa.Column("made_by", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_evidence_artefact")),
    )
    with op.batch_alter_table("evidence_artefact", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_evidence_artefact_made_at"), ["made_at"], unique=False)
        batch_op.create_index(batch_op.f("ix_evidence_artefact_source"), ["source"], unique=False)
        batch_op.create_index(batch_op.f("ix_evidence_artefact_subject_id"), ["subject_id"], unique=False)

    op.create_table(
        "findings_finding",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("number", sa.String(), nullable=False),
        sa.Column("title", sa.String(), nullable=False),
        sa.Column("detail", sa.String(), nullable=False),
        sa.Column("severity", sa.String(), nullable=False),
        sa.Column("clauses", sa.JSON(), nullable=False),
        sa.Column("source", sa.String(), nullable=False),
        sa.Column("subject_kind", sa.String(), nullable=False),
        sa.Column("subject_id", sa.String(), nullable=False),
        sa.Column("evidence_ids", sa.JSON(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("case_id", sa.String(), nullable=False),
        sa.Column("raised_by", sa.String(), nullable=False),
        sa.Column("raised_at", UtcDateTime(), nullable=False),
        sa.Column("settled_by", sa.String(), nullable=False),
        sa.Column("settled_at", UtcDateTime(), nullable=True),
        sa.Column("reason", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_findings_finding")),
        sa.UniqueConstraint("number", name=op.f("uq_findings_finding_number")),
    )
    with op.batch_alter_table("findings_finding", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_findings_finding_case_id"), ["case_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_findings_finding_source"), ["source"], unique=False)
        batch_op.create_index(batch_op.f("ix_findings_finding_state"), ["state"], unique=False)
        batch_op.create_index(batch_op.f("ix_findings_finding_subject_id"), ["subject_id"], unique=False)

    op.create_table(
        "kit_executor",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("beat_at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_kit_executor")),
    )
    op.create_table(
        "kit_job",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("subject", sa.String(), nullable=False),
        sa.Column("args", sa.JSON(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("progress", sa.JSON(), nullable=False),
        sa.Column("error", sa.String(), nullable=False),
        sa.Column("actor_id", sa.String(), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("started_at", UtcDateTime(), nullable=True),
        sa.Column("finished_at", UtcDateTime(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_kit_job")),
    )
    with op.batch_alter_table("kit_job", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_kit_job_state"), ["state"], unique=False)
        batch_op.create_index(batch_op.f("ix_kit_job_subject"), ["subject"], unique=False)

    op.create_table(
        "monitoring_alert",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("rule", sa.String(), nullable=False),
        sa.Column("model", sa.String(), nullable=False),
        sa.Column("host", sa.String(), nullable=False),
        sa.Column("topic", sa.String(), nullable=False),
        sa.Column("severity", sa.String(), nullable=False),
        sa.Column("facts", sa.JSON(), nullable=False),
        sa.Column("diagnosis", sa.JSON(), nullable=False),
        sa.Column("opened_at", UtcDateTime(), nullable=False),
        sa.Column("closed_at", UtcDateTime(), nullable=True),
        sa.Column("acknowledged_by", sa.String(), nullable=False),
        sa.Column("acknowledged_at", UtcDateTime(), nullable=True),
        sa.Column("note", sa.String(), nullable=False),
        sa.Column("case_id", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_monitoring_alert")),
    )
    with op.batch_alter_table("monitoring_alert", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_monitoring_alert_model"), ["model"], unique=False)
        batch_op.create_index(batch_op.f("ix_monitoring_alert_rule"), ["rule"], unique=False)

    op.create_table(
        "monitoring_budget",
        sa.Column("objective", sa.String(), nullable=False),
        sa.Column("model", sa.String(), nullable=False),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.Column("facts", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("objective", "model", name=op.f("pk_monitoring_budget")),
    )
    op.create_table(
        "monitoring_host_sample",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("host", sa.String(), nullable=False),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.Column("cpu", sa.Double(), nullable=False),
        sa.Column("memory", sa.Double(), nullable=False),
        sa.Column("disk", sa.Double(), nullable=False),
        sa.Column("gpu", sa.Double(), nullable=True),
        sa.Column("gpu_memory", sa.Double(), nullable=True),
        sa.Column("servers", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_monitoring_host_sample")),
    )
    with op.batch_alter_table("monitoring_host_sample", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_monitoring_host_sample_at"), ["at"], unique=False)
        batch_op.create_index(batch_op.f("ix_monitoring_host_sample_host"), ["host"], unique=False)

    op.create_table(
        "monitoring_rule_run",
        sa.Column("rule", sa.String(), nullable=False),
        sa.Column("model", sa.String(), nullable=False),
        sa.Column("host", sa.String(), nullable=False),
        sa.Column("topic", sa.String(), nullable=False),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("facts", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("rule", "model", "host", name=op.f("pk_monitoring_rule_run")),
    )
    with op.batch_alter_table("monitoring_rule_run", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_monitoring_rule_run_topic"), ["topic"], unique=False)

    op.create_table(
        "monitoring_slo_point",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("objective", sa.String(), nullable=False),
        sa.Column("model", sa.String(), nullable=False),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("value", sa.Double(), nullable=True),
        sa.Column("n", sa.Integer(), nullable=False),
        sa.Column("judgement", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_monitoring_slo_point")),
    )
    with op.batch_alter_table("monitoring_slo_point", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_monitoring_slo_point_at"), ["at"], unique=False)
        batch_op.create_index(batch_op.f("ix_monitoring_slo_point_model"), ["model"], unique=False)
        batch_op.create_index(batch_op.f("ix_monitoring_slo_point_objective"), ["objective"], unique=False)

    op.create_table(
        "people_invitation",
        sa.Column("token_sha256", sa.String(), nullable=False),
        sa.Column("person_id", sa.String(), nullable=False),
        sa.Column("expires_at", UtcDateTime(), nullable=False),
        sa.Column("used_at", UtcDateTime(), nullable=True),
        sa.PrimaryKeyConstraint("token_sha256", name=op.f("pk_people_invitation")),
    )
    op.create_table(
        "people_matrix",
        sa.Column("version", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("permissions", sa.JSON(), nullable=False),
        sa.Column("exclusive", sa.JSON(), nullable=False),
        sa.Column("made_at", UtcDateTime(), nullable=False),
        sa.Column("made_by", sa.String(), nullable=False),
        sa.Column("source", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("version", name=op.f("pk_people_matrix")),
    )
    op.create_table(
        "people_person",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("login", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("team", sa.String(), nullable=False),
        sa.Column("posts", sa.JSON(), nullable=False),
        sa.Column("locale", sa.String(), nullable=False),
        sa.Column("password_hash", sa.String(), nullable=False),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_people_person")),
        sa.UniqueConstraint("login", name=op.f("uq_people_person_login")),
    )
    op.create_table(
        "people_sign_in",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("token_sha256", sa.String(), nullable=False),
        sa.Column("person_id", sa.String(), nullable=False),
        sa.Column("expires_at", UtcDateTime(), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("address", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_people_sign_in")),
        sa.UniqueConstraint("token_sha256", name=op.f("uq_people_sign_in_token_sha256")),
    )
    with op.batch_alter_table("people_sign_in", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_people_sign_in_person_id"), ["person_id"], unique=False)

    op.create_table(
        "people_sign_in_failure",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("login", sa.String(), nullable=False),
        sa.Column("address", sa.String(), nullable=False),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_people_sign_in_failure")),
    )
    with op.batch_alter_table("people_sign_in_failure", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_people_sign_in_failure_at"), ["at"], unique=False)
        batch_op.create_index(batch_op.f("ix_people_sign_in_failure_login"), ["login"], unique=False)

    op.create_table(
        "privacy_mask_policy",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("version", sa.String(), nullable=False),
        sa.Column("content", sa.JSON(), nullable=False),
        sa.Column("sha256", sa.String(), nullable=False),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.Column("by", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("id", "version", name=op.f("pk_privacy_mask_policy")),
    )
    with op.batch_alter_table("privacy_mask_policy", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_privacy_mask_policy_at"), ["at"], unique=False)

    op.create_table(
        "publishing_publication",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("part", sa.String(), nullable=False),
        sa.Column("epoch", sa.Integer(), nullable=False),
        sa.Column("serial", sa.Integer(), nullable=False),
        sa.Column("payload", sa.JSON(), nullable=False),
        sa.Column("sha256", sa.String(), nullable=False),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.Column("by", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_publishing_publication")),
        sa.UniqueConstraint("part", "epoch", "serial", name=op.f("uq_publishing_publication_part")),
    )
    with op.batch_alter_table("publishing_publication", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_publishing_publication_part"), ["part"], unique=False)

    op.create_table(
        "remediation_budget_line",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("case_id", sa.String(), nullable=False),
        sa.Column("round", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("title", sa.String(), nullable=False),
        sa.Column("unit", sa.String(), nullable=False),
        sa.Column("measure_key", sa.String(), nullable=False),
        sa.Column("planned", sa.Double(), nullable=False),
        sa.Column("committed", sa.Double(), nullable=False),
        sa.Column("actual", sa.Double(), nullable=False),
        sa.Column("entries", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_remediation_budget_line")),
    )
    with op.batch_alter_table("remediation_budget_line", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_remediation_budget_line_case_id"), ["case_id"], unique=False)

    op.create_table(
        "remediation_case",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("number", sa.String(), nullable=False),
        sa.Column("title", sa.String(), nullable=False),
        sa.Column("level", sa.String(), nullable=False),
        sa.Column("model", sa.String(), nullable=False),
        sa.Column("owner_id", sa.String(), nullable=False),
        sa.Column("finding_ids", sa.JSON(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("rounds", sa.Integer(), nullable=False),
        sa.Column("assessment", sa.JSON(), nullable=False),
        sa.Column("members", sa.JSON(), nullable=False),
        sa.Column("supervisions", sa.JSON(), nullable=False),
        sa.Column("opened_by", sa.String(), nullable=False),
        sa.Column("opened_at", UtcDateTime(), nullable=False),
        sa.Column("closed_by", sa.String(), nullable=False),
        sa.Column("closed_at", UtcDateTime(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_remediation_case")),
        sa.UniqueConstraint("number", name=op.f("uq_remediation_case_number")),
    )
    with op.batch_alter_table("remediation_case", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_remediation_case_model"), ["model"], unique=False)
        batch_op.create_index(batch_op.f("ix_remediation_case_state"), ["state"], unique=False)

    op.create_table(
        "remediation_measure",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("case_id", sa.String(), nullable=False),
        sa.Column("round", sa.Integer(), nullable=False),
        sa.Column("key", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("method", sa.String(), nullable=False),
        sa.Column("title", sa.String(), nullable=False),
        sa.Column("params", sa.JSON(), nullable=False),
        sa.Column("importance", sa.Integer(), nullable=False),
        sa.Column("urgency", sa.Integer(), nullable=False),
        sa.Column("difficulty", sa.Integer(), nullable=False),
        sa.Column("effect", sa.Integer(), nullable=False),
        sa.Column("rank", sa.Integer(), nullable=False),
        sa.Column("score", sa.Double(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("training_id", sa.String(), nullable=False),
        sa.Column("candidate_version_id", sa.String(), nullable=False),
        sa.Column("note", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_remediation_measure")),
    )
    with op.batch_alter_table("remediation_measure", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_remediation_measure_case_id"), ["case_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_remediation_measure_training_id"), ["training_id"], unique=False)

    op.create_table(
        "remediation_round",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("case_id", sa.String(), nullable=False),
        sa.Column("n", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("content", sa.JSON(), nullable=False),
        sa.Column("frozen_sha256", sa.String(), nullable=False),
        sa.Column("frozen_at", UtcDateTime(), nullable=False),
        sa.Column("planned_by", sa.String(), nullable=False),
        sa.Column("baseline_run_id", sa.String(), nullable=False),
        sa.Column("approval_id", sa.String(), nullable=False),
        sa.Column("verification_run_id", sa.String(), nullable=False),
        sa.Column("verdict", sa.String(), nullable=False),
        sa.Column("verification", sa.JSON(), nullable=False),
        sa.Column("verified_by", sa.String(), nullable=False),
        sa.Column("verified_at", UtcDateTime(), nullable=True),
        sa.Column("leftovers", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_remediation_round")),
    )
    with op.batch_alter_table("remediation_round", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_remediation_round_case_id"), ["case_id"], unique=False)

    op.create_table(
        "remediation_task",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("case_id", sa.String(), nullable=False),
        sa.Column("round", sa.Integer(), nullable=False),
        sa.Column("key", sa.String(), nullable=False),
        sa.Column("title", sa.String(), nullable=False),
        sa.Column("owner_id", sa.String(), nullable=False),
        sa.Column("collaborators", sa.JSON(), nullable=False),
        sa.Column("start", sa.Date(), nullable=False),
        sa.Column("last_day", sa.Date(), nullable=False),
        sa.Column("depends_on", sa.JSON(), nullable=False),
        sa.Column("progress", sa.Integer(), nullable=False),
        sa.Column("finding_id", sa.String(), nullable=False),
        sa.Column("check_text", sa.String(), nullable=False),
        sa.Column("note", sa.String(), nullable=False),
        sa.Column("updated_at", UtcDateTime(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_remediation_task")),
    )
    with op.batch_alter_table("remediation_task", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_remediation_task_case_id"), ["case_id"], unique=False)

    op.create_table(
        "reports_report",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("issue_id", sa.String(), nullable=False),
        sa.Column("number", sa.String(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("subject_kind", sa.String(), nullable=False),
        sa.Column("subject_id", sa.String(), nullable=False),
        sa.Column("language", sa.String(), nullable=False),
        sa.Column("format", sa.String(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("title", sa.String(), nullable=False),
        sa.Column("file_name", sa.String(), nullable=False),
        sa.Column("sha256", sa.String(), nullable=False),
        sa.Column("size", sa.Integer(), nullable=False),
        sa.Column("content_sha256", sa.String(), nullable=False),
        sa.Column("evidence_id", sa.String(), nullable=False),
        sa.Column("error", sa.String(), nullable=False),
        sa.Column("job_id", sa.String(), nullable=False),
        sa.Column("made_by", sa.String(), nullable=False),
        sa.Column("requested_at", UtcDateTime(), nullable=False),
        sa.Column("made_at", UtcDateTime(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_reports_report")),
    )
    with op.batch_alter_table("reports_report", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_reports_report_issue_id"), ["issue_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_reports_report_kind"), ["kind"], unique=False)
        batch_op.create_index(batch_op.f("ix_reports_report_number"), ["number"], unique=False)
        batch_op.create_index(batch_op.f("ix_reports_report_state"), ["state"], unique=False)
        batch_op.create_index(batch_op.f("ix_reports_report_subject_id"), ["subject_id"], unique=False)

    op.create_table(
        "rulebook_check_run",
        sa.Column("source", sa.String(), nullable=False),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.Column("outcome", sa.String(), nullable=False),
        sa.Column("error", sa.String(), nullable=False),
        sa.Column("evidence_id", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("source", name=op.f("pk_rulebook_check_run")),
    )
    op.create_table(
        "traffic_taken_notice",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("at", sa.Double(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_traffic_taken_notice")),
    )
    with op.batch_alter_table("traffic_taken_notice", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_traffic_taken_notice_at"), ["at"], unique=False)

    op.create_table(
        "tuning_training",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("model", sa.String(), nullable=False),
        sa.Column("base_version_id", sa.String(), nullable=False),
        sa.Column("dataset_ids", sa.JSON(), nullable=False),
        sa.Column("validation_id", sa.String(), nullable=False),
        sa.Column("recipe", sa.JSON(), nullable=False),
        sa.Column("parameters", sa.JSON(), nullable=False),
        sa.Column("label", sa.String(), nullable=False),
        sa.Column("case_id", sa.String(), nullable=False),
        sa.Column("measure_id", sa.String(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("progress", sa.JSON(), nullable=False),
        sa.Column("result", sa.JSON(), nullable=False),
        sa.Column("adapter_version_id", sa.String(), nullable=False),
        sa.Column("evidence_ids", sa.JSON(), nullable=False),
        sa.Column("error", sa.String(), nullable=False),
        sa.Column("job_id", sa.String(), nullable=False),
        sa.Column("requested_by", sa.String(), nullable=False),
        sa.Column("requested_at", UtcDateTime(), nullable=False),
        sa.Column("started_at", UtcDateTime(), nullable=True),
        sa.Column("finished_at", UtcDateTime(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_tuning_training")),
    )
    with op.batch_alter_table("tuning_training", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_tuning_training_case_id"), ["case_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_tuning_training_measure_id"), ["measure_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_tuning_training_model"), ["model"], unique=False)
        batch_op.create_index(batch_op.f("ix_tuning_training_state"), ["state"], unique=False)

    for statement in append_only(op.get_bind().dialect.name):
        op.get_bind().exec_driver_sql(statement)


def downgrade() -> None:
    for statement in append_only_off(op.get_bind().dialect.name):
        op.get_bind().exec_driver_sql(statement)
    with op.batch_alter_table("tuning_training", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_tuning_training_state"))
        batch_op.drop_index(batch_op.f("ix_tuning_training_model"))
        batch_op.drop_index(batch_op.f("ix_tuning_training_measure_id"))
        batch_op.drop_index(batch_op.f("ix_tuning_training_case_id"))

    op.drop_table("tuning_training")
    with op.batch_alter_table("traffic_taken_notice", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_traffic_taken_notice_at"))

    op.drop_table("traffic_taken_notice")
    op.drop_table("rulebook_check_run")
    with op.batch_alter_table("reports_report", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_reports_report_subject_id"))
        batch_op.drop_index(batch_op.f("ix_reports_report_state"))
        batch_op.drop_index(batch_op.f("ix_reports_report_number"))
        batch_op.drop_index(batch_op.f("ix_reports_report_kind"))
        batch_op.drop_index(batch_op.f("ix_reports_report_issue_id"))

    op.drop_table("reports_report")
    with op.batch_alter_table("remediation_task", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_remediation_task_case_id"))

    op.drop_table("remediation_task")
    with op.batch_alter_table("remediation_round", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_remediation_round_case_id"))

    op.drop_table("remediation_round")
    with op.batch_alter_table("remediation_measure", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_remediation_measure_training_id"))
        batch_op.drop_index(batch_op.f("ix_remediation_measure_case_id"))

    op.drop_table("remediation_measure")
    with op.batch_alter_table("remediation_case", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_remediation_case_state"))
        batch_op.drop_index(batch_op.f("ix_remediation_case_model"))

    op.drop_table("remediation_case")
    with op.batch_alter_table("remediation_budget_line", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_remediation_budget_line_case_id"))

    op.drop_table("remediation_budget_line")
    with op.batch_alter_table("publishing_publication", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_publishing_publication_part"))

    op.drop_table("publishing_publication")
    with op.batch_alter_table("privacy_mask_policy", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_privacy_mask_policy_at"))

    op.drop_table("privacy_mask_policy")
    with op.batch_alter_table("people_sign_in_failure", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_people_sign_in_failure_login"))
        batch_op.drop_index(batch_op.f("ix_people_sign_in_failure_at"))

    op.drop_table("people_sign_in_failure")
    with op.batch_alter_table("people_sign_in", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_people_sign_in_person_id"))

    op.drop_table("people_sign_in")
    op.drop_table("people_person")
    op.drop_table("people_matrix")
    op.drop_table("people_invitation")
    with op.batch_alter_table("monitoring_slo_point", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_monitoring_slo_point_objective"))
        batch_op.drop_index(batch_op.f("ix_monitoring_slo_point_model"))
        batch_op.drop_index(batch_op.f("ix_monitoring_slo_point_at"))

    op.drop_table("monitoring_slo_point")
    with op.batch_alter_table("monitoring_rule_run", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_monitoring_rule_run_topic"))

    op.drop_table("monitoring_rule_run")
    with op.batch_alter_table("monitoring_host_sample", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_monitoring_host_sample_host"))
        batch_op.drop_index(batch_op.f("ix_monitoring_host_sample_at"))

    op.drop_table("monitoring_host_sample")
    op.drop_table("monitoring_budget")
    with op.batch_alter_table("monitoring_alert", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_monitoring_alert_rule"))
        batch_op.drop_index(batch_op.f("ix_monitoring_alert_model"))

    op.drop_table("monitoring_alert")
    with op.batch_alter_table("kit_job", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_kit_job_subject"))
        batch_op.drop_index(batch_op.f("ix_kit_job_state"))

    op.drop_table("kit_job")
    op.drop_table("kit_executor")
    with op.batch_alter_table("findings_finding", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_findings_finding_subject_id"))
        batch_op.drop_index(batch_op.f("ix_findings_finding_state"))
        batch_op.drop_index(batch_op.f("ix_findings_finding_source"))
        batch_op.drop_index(batch_op.f("ix_findings_finding_case_id"))

    op.drop_table("findings_finding")
    with op.batch_alter_table("evidence_artefact", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_evidence_artefact_subject_id"))
        batch_op.drop_index(batch_op.f("ix_evidence_artefact_source"))
        batch_op.drop_index(batch_op.f("ix_evidence_artefact_made_at"))

    op.drop_table("evidence_artefact")
    with op.batch_alter_table("evaluation_suite", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_evaluation_suite_sha256"))

    op.drop_table("evaluation_suite")
    with op.batch_alter_table("evaluation_run", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_evaluation_run_version_id"))
        batch_op.drop_index(batch_op.f("ix_evaluation_run_suite_id"))
        batch_op.drop_index(batch_op.f("ix_evaluation_run_state"))
        batch_op.drop_index(batch_op.f("ix_evaluation_run_model"))

    op.drop_table("evaluation_run")
    with op.batch_alter_table("evaluation_look", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_evaluation_look_suite_id"))

    op.drop_table("evaluation_look")
    with op.batch_alter_table("evaluation_comparison", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_evaluation_comparison_before_run"))
        batch_op.drop_index(batch_op.f("ix_evaluation_comparison_after_run"))

    op.drop_table("evaluation_comparison")
    op.drop_table("evaluation_answer")
    op.drop_table("deployments_route")
    with op.batch_alter_table("deployments_release", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_deployments_release_state"))
        batch_op.drop_index(batch_op.f("ix_deployments_release_model"))

    op.drop_table("deployments_release")
    with op.batch_alter_table("deployments_deployment", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_deployments_deployment_state"))
        batch_op.drop_index(batch_op.f("ix_deployments_deployment_model"))

    op.drop_table("deployments_deployment")
    with op.batch_alter_table("deployments_candidate", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_deployments_candidate_model"))

    op.drop_table("deployments_candidate")
    with op.batch_alter_table("catalog_model_version", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_catalog_model_version_state"))
        batch_op.drop_index(batch_op.f("ix_catalog_model_version_model"))

    op.drop_table("catalog_model_version")
    op.drop_table("catalog_model")
    with op.batch_alter_table("catalog_dataset_version", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_catalog_dataset_version_name"))

    op.drop_table("catalog_dataset_version")
    op.drop_table("audit_seal")
    with op.batch_alter_table("audit_entry", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_audit_entry_permission"))
        batch_op.drop_index(batch_op.f("ix_audit_entry_object_id"))
        batch_op.drop_index(batch_op.f("ix_audit_entry_at"))
        batch_op.drop_index(batch_op.f("ix_audit_entry_actor_id"))

    op.drop_table("audit_entry")
    op.drop_table("audit_checkpoint")
    with op.batch_alter_table("approvals_vote", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_approvals_vote_request_id"))

    op.drop_table("approvals_vote")
    with op.batch_alter_table("approvals_request", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_approvals_request_subject_id"))
        batch_op.drop_index(batch_op.f("ix_approvals_request_state"))
        batch_op.drop_index(batch_op.f("ix_approvals_request_kind"))

    op.drop_table("approvals_request")
    op.drop_table("access_key")
    with op.batch_alter_table("access_ban", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_access_ban_value"))

    op.drop_table("access_ban")
