output "load_balancer_ip" {
  description = "Where the A record of the domain has to point."
  value       = google_compute_global_address.api.address
}

output "public_url" {
  description = "Where clients reach the API."
  value       = local.public_url
}

output "function_urls" {
  description = "Where queues reach the functions."
  value       = local.function_urls
}

output "quota_needed" {
  description = "What all instances together take of Cloud Run's quota in the region."
  value       = local.quota_needed
}

output "files_bucket" {
  description = "The bucket of people's files."
  value       = google_storage_bucket.files.name
}

output "service_accounts" {
  description = "What each function runs as."
  value       = { for name, account in google_service_account.function : name => account.email }
}

output "dashboard" {
  description = "The dashboard's id."
  value       = google_monitoring_dashboard.this.id
}
