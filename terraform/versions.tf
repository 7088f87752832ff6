terraform {
  required_version = ">= 1.9.0, < 2.0.0"

  required_providers {
    google = {
      source  = "hashicorp/google"
      version = ">= 7.2.0, < 8.0.0"
    }
    google-beta = {
      source  = "hashicorp/google-beta"
      version = ">= 7.2.0, < 8.0.0"
    }
    time = {
      source  = "hashicorp/time"
      version = "~> 0.13.0"
    }
  }

  # The bucket and the prefix come from environments/*.gcs.tfbackend, since a backend takes no variables.
  backend "gcs" {}
}

provider "google" {
  project = var.project_id
  region  = local.region

  # Budgets and Identity Toolkit are billed to the project of whoever calls them.
  user_project_override = true
  billing_project       = var.project_id

  default_labels = {
    system      = "scrollback"
    environment = var.environment
  }
}

# Makes the accounts that Google's services act as, which the other provider can't.
provider "google-beta" {
  project               = var.project_id
  region                = local.region
  user_project_override = true
  billing_project       = var.project_id
}

data "google_project" "this" {
  project_id = var.project_id
}
