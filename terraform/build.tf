# Under this name a rollout keeps the images of revisions; going back needs those of the last few.
resource "google_artifact_registry_repository" "functions" {
  repository_id = "cloud-run-source-deploy"
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

# Triggers of a region know only connections of the second generation, in the same region.
resource "google_cloudbuildv2_connection" "github" {
  location = local.region
  name     = "github"

  github_config {
    app_installation_id = var.repository.app_installation_id

    authorizer_credential {
      oauth_token_secret_version = "${google_secret_manager_secret.this["GITHUB_TOKEN"].id}/versions/latest"
    }
  }

  depends_on = [time_sleep.grants_known]
}

# Cloud Build reads the token, to hear of pushes and to fetch what was pushed.
resource "google_secret_manager_secret_iam_member" "cloud_build" {
  secret_id = google_secret_manager_secret.this["GITHUB_TOKEN"].secret_id
  role      = "roles/secretmanager.secretAccessor"
  member    = google_project_service_identity.agent["cloudbuild.googleapis.com"].member
}

resource "google_cloudbuildv2_repository" "this" {
  location          = local.region
  name              = var.repository.name
  parent_connection = google_cloudbuildv2_connection.github.name
  remote_uri        = "https://github.com/${var.repository.owner}/${var.repository.name}.git"
}

# Two builds of two accounts: what tests a commit has no way to deploy, and what deploys it runs no test.
resource "google_cloudbuild_trigger" "test" {
  name            = "test"
  description     = "Tests ${var.repository.branch}."
  location        = local.region
  filename        = "cloudbuild.test.yaml"
  service_account = google_service_account.build["tester"].id

  repository_event_config {
    repository = google_cloudbuildv2_repository.this.id

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

  repository_event_config {
    repository = google_cloudbuildv2_repository.this.id

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
