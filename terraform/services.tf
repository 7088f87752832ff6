locals {
  services = toset(concat([
    "artifactregistry.googleapis.com",
    "billingbudgets.googleapis.com",
    "cloudbuild.googleapis.com",
    "cloudkms.googleapis.com",
    "cloudscheduler.googleapis.com",
    "cloudtasks.googleapis.com",
    "cloudtrace.googleapis.com",
    "compute.googleapis.com",
    "fcm.googleapis.com",
    "firebaserules.googleapis.com",
    "firestore.googleapis.com",
    "iam.googleapis.com",
    "iamcredentials.googleapis.com",
    "identitytoolkit.googleapis.com",
    "logging.googleapis.com",
    "monitoring.googleapis.com",
    "pubsub.googleapis.com",
    "run.googleapis.com",
    "secretmanager.googleapis.com",
    "storage.googleapis.com",
    "telemetry.googleapis.com",
  ], length(local.vertex_models) > 0 ? ["aiplatform.googleapis.com"] : []))
}

resource "google_project_service" "this" {
  for_each = local.services

  project = var.project_id
  service = each.key

  # Turning a service off would delete what others have made with it.
  disable_on_destroy = false
}

# Google's services act as accounts of theirs, which may be missing until a service is first used; a role can
# be granted only to what is there.
resource "google_project_service_identity" "agent" {
  provider = google-beta
  for_each = toset(["cloudbuild.googleapis.com", "pubsub.googleapis.com"])

  project = var.project_id
  service = each.key

  depends_on = [google_project_service.this]
}
