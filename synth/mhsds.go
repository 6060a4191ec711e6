package synth

// The tables of the mental health trust's export: those of MHSDS v5 that the
// dataset is made from, each with its RowNumber and the fields that are
// submitted, in the standard's order. The set of fields was read in the national
// processing source; their order is not asserted there, so nobody may rely on it.
const (
	mhHeader = iota
	mhPatient
	mhPractice
	mhReferral
	mhService
	mhContact
	mhAct
	mhSpell
	mhProvisional
	mhPrimary
	mhSecondary
	mhStaff
)

var mhsdsTables = []exportTable{
	mhHeader:   {"MHS000Header", "DatSetVer OrgIDProvider OrgIDSubmit PrimSystemInUse ReportingPeriodStartDate ReportingPeriodEndDate DateTimeDatSetCreate"},
	mhPatient:  {"MHS001MPI", "LocalPatientId OrgIDLocalPatientId OrgIDEduEstab NHSNumber NHSNumberStatus PersonBirthDate Postcode Gender GenderIDCode GenderSameAtBirth MaritalStatus EthnicCategory EthnicCategory2021 LanguageCodePreferred PersDeathDate"},
	mhPractice: {"MHS002GP", "LocalPatientId GMPCodeReg StartDateGMPRegistration EndDateGMPRegistration"},
	mhReferral: {"MHS101Referral", "ServiceRequestId LocalPatientId OrgIDComm ReferralRequestReceivedDate ReferralRequestReceivedTime NHSServAgreeLineNum " +
		"SpecialisedMHServiceCode SourceOfReferralMH OrgIDReferring ReferringCareProfessionalStaffGroup ClinRespPriorityType PrimReasonReferralMH ReasonOAT " +
		"DecisionToTreatDate DecisionToTreatTime DischPlanCreationDate DischPlanCreationTime DischPlanLastUpdatedDate DischPlanLastUpdatedTime ServDischDate ServDischTime"},
	mhService: {"MHS102ServiceTypeReferredTo", "ServiceRequestId CareProfTeamLocalId ServTeamTypeRefToMH ReferClosureDate ReferClosureTime ReferClosReason ReferRejectionDate ReferRejectionTime ReferRejectReason"},
	mhContact: {"MHS201CareContact", "CareContactId ServiceRequestId CareProfTeamLocalId CareContDate CareContTime OrgIDComm AdminCatCode SpecialisedMHServiceCode " +
		"ClinContDurOfCareCont ConsType CareContSubj ConsMechanismMH ActLocTypeCode PlaceOfSafetyInd SiteIDOfTreat ComPeriMHPartAssessOfferInd PlannedCareContIndicator " +
		"CareContPatientTherMode AttendOrDNACode EarliestReasonOfferDate EarliestClinAppDate CareContCancelDate CareContCancelReas ReasonableAdjustmentMade"},
	mhAct: {"MHS401MHActPeriod", "MHActLegalStatusClassPeriodId LocalPatientId StartDateMHActLegalStatusClass StartTimeMHActLegalStatusClass " +
		"ExpiryDateMHActLegalStatusClass ExpiryTimeMHActLegalStatusClass EndDateMHActLegalStatusClass EndTimeMHActLegalStatusClass " +
		"LegalStatusClassPeriodStartReason LegalStatusClassPeriodEndReason LegalStatusCode MentalCat"},
	mhSpell: {"MHS501HospProvSpell", "HospProvSpellID ServiceRequestId DecidedToAdmitDate DecidedToAdmitTime StartDateHospProvSpell StartTimeHospProvSpell " +
		"SourceAdmMHHospProvSpell MethAdmMHHospProvSpell EstimatedDischDateHospProvSpell PlannedDischDateHospProvSpell PlannedDestDisch DischDateHospProvSpell " +
		"DischTimeHospProvSpell MethOfDischMHHospProvSpell DestOfDischHospProvSpell PostcodeMainVisitor PostcodeDischDestHospProvSpell TransformingCareInd TransformingCareCategory"},
	mhProvisional: {"MHS603ProvDiag", "ServiceRequestId DiagSchemeInUse ProvDiag CodedProvDiagTimestamp"},
	mhPrimary:     {"MHS604PrimDiag", "ServiceRequestId DiagSchemeInUse PrimDiag CodedDiagTimestamp"},
	mhSecondary:   {"MHS605SecDiag", "ServiceRequestId DiagSchemeInUse SecDiag CodedDiagTimestamp"},
	mhStaff:       {"MHS901StaffDetails", "CareProfLocalId ProfRegBodyCode ProfRegEntryId CareProfStaffGpMH MainSpecCodeMH OccCode CareProfJobRoleCode"},
}
