# Cloud Functions keeps the images of revisions here; a rollback needs those of the last few.
resource "google_artifact_registry_repository" "functions" {
  repository_id = "functions"
  location      = local.region
  format        = "DOCKER"
  description   = "Images of the functions' revisions."

  cleanup_policies {
    id     = "keep-recent"
    action = "KEEP"

    most_recent_versions {
      keep_count = 10
    }
  }

  cleanup_policies {
    id     = "delete-old"
    action = "DELETE"

    condition {
      older_than = "7776000s"
    }
  }

  depends_on = [google_project_service.this]
}

# Two builds of two accounts: what tests a commit has no way to deploy, and what deploys it runs no test.
resource "google_cloudbuild_trigger" "test" {
  name            = "test"
  description     = "Tests ${var.repository.branch}."
  location        = local.region
  filename        = "cloudbuild.test.yaml"
  service_account = google_service_account.build["tester"].id

  github {
    owner = var.repository.owner
    name  = var.repository.name

    push {
      branch = "^${var.repository.branch}$"
    }
  }
}

resource "google_cloudbuild_trigger" "deploy" {
  name            = "deploy"
  description     = "Rolls ${var.repository.branch} out by steps, once its tests have passed."
  location        = local.region
  filename        = "cloudbuild.yaml"
  service_account = google_service_account.build["deployer"].id

  github {
    owner = var.repository.owner
    name  = var.repository.name

    push {
      branch = "^${var.repository.branch}$"
    }
  }

  # Whoever approves has the role Cloud Build Approver.
  approval_config {
    approval_required = var.deploy_approval
  }

  substitutions = {
    _REGION     = local.region
    _PUBLIC_URL = local.public_url
  }
}
